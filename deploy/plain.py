"""Objects as plain dicts, as the API server gives them: what every router reads of them."""

from deploy.traffic import Json


def metadata_of(body: Json) -> Json:
    meta: Json = body.get("metadata") or {}
    return meta


def spec_of(body: Json) -> Json:
    spec: Json = body.get("spec") or {}
    return spec


def namespace_of(body: Json) -> str:
    return str(metadata_of(body).get("namespace", ""))


def name_of(body: Json) -> str:
    return str(metadata_of(body).get("name", ""))
