"""Every name that Rampart writes into a cluster, from the one constant that is its API group."""

import hashlib

GROUP = "rampart.dev"
VERSION = "v1alpha1"
FIELD_MANAGER = "rampart"

STRATEGY = f"{GROUP}/strategy"
HELD = f"{GROUP}/held"
FAILED = f"{GROUP}/failed"
DO = f"{GROUP}/do"
RELEASE = f"{GROUP}/release"
MANAGED = f"{GROUP}/managed-by"
FINALIZER = f"{GROUP}/traffic"

POD_TEMPLATE_HASH = "pod-template-hash"
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"

LABEL_LIMIT = 63
NAME_LIMIT = 253


def fit(base: str, suffix: str, limit: int = LABEL_LIMIT) -> str:
    """Join base and suffix with a hyphen; a base that is too long is cut and told apart by a hash of the whole.

    Returns at most `limit` characters that form a DNS label where base and suffix do.
    """
    whole = f"{base}-{suffix}"
    if len(whole) <= limit:
        return whole
    mark = hashlib.sha256(base.encode()).hexdigest()[:6]
    room = limit - len(suffix) - len(mark) - 2
    return f"{base[:room].rstrip('-.')}-{mark}-{suffix}"
