# The controller's image. The base is pinned by its tag; where the registry can be asked, pin it by digest as well:
#   docker build --build-arg BASE=python:3.13-slim@sha256:… -t rampart:0.1.0 .
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# What changes seldom comes first, so that a change of the sources installs no library anew.
COPY constraints.txt ./
RUN pip install --no-compile --no-deps setuptools==84.2.1
RUN pip install --no-compile --no-deps --prefix=/install --requirement constraints.txt
COPY pyproject.toml README.md LICENSE ./
COPY analysis analysis
COPY deploy deploy
COPY rollout rollout
RUN pip install --no-compile --no-deps --prefix=/install --no-build-isolation .

FROM ${BASE}
COPY --from=build /install /usr/local
# Nothing is written at run time: the root file system is read-only in the chart.
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
WORKDIR /
ENTRYPOINT ["rampart"]
CMD ["run"]
