from ansible.errors import AnsibleFilterError


def double(value):
    if not isinstance(value, (int, str, list)):
        raise AnsibleFilterError("double takes a number")
    return value * 2


def keys_of(mapping, prefix=""):
    return sorted(prefix + key for key in mapping)


class FilterModule:
    def filters(self):
        return {"double": double, "keys_of": keys_of}
