"""Every name that Rampart writes into a cluster, from the one constant that is its API group."""

import hashlib

GROUP = "rampart.dev"
VERSION = "v1alpha1"
FIELD_MANAGER = "rampart"

STRATEGY = f"{GROUP}/strategy"
HELD = f"{GROUP}/held"
FAILED = f"{GROUP}/failed"
RETIRED = f"{GROUP}/retired"
CANARY_OF = f"{GROUP}/canary-of"
DO = f"{GROUP}/do"
RELEASE = f"{GROUP}/release"
MANAGED = f"{GROUP}/managed-by"
PREVIEW = f"{GROUP}/preview"
FINALIZER = f"{GROUP}/traffic"

POD_TEMPLATE_HASH = "pod-template-hash"
SELECTOR = f"{GROUP}/selector"
"""On a Service whose selector is moved: the user's own, and what stands there now."""
SERVICE_NAME = "kubernetes.io/service-name"
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"

LABEL_LIMIT = 63
NAME_LIMIT = 253


def fit(base: str, suffix: str, limit: int = LABEL_LIMIT) -> str:
    """Join base and suffix with a hyphen; a base that is too long is cut and told apart by a hash.

    Returns at most `limit` characters that form a DNS label where base and suffix do; the suffix must leave room
    for ten of them.
    """
    whole = f"{base}-{suffix}"
    if len(whole) <= limit:
        return whole
    return f"{cut(base, limit - len(suffix) - 1)}-{suffix}"


def cut(text: str, limit: int = LABEL_LIMIT) -> str:
    """The text, or as much of its beginning as fits before a hash of the whole."""
    if len(text) <= limit:
        return text
    mark = hashlib.sha256(text.encode()).hexdigest()[:6]
    return f"{text[: limit - len(mark) - 1].rstrip('-.')}-{mark}"
