"""The Gateway API router: HTTPRoutes and GRPCRoutes over temporary Services, read and rewritten by pure functions."""
