from .inner.deep import POLITE


def said(name):
    return f"{POLITE} {name}"
