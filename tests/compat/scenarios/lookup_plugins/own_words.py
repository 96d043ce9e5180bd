from ansible.plugins.lookup import LookupBase

DOCUMENTATION = """
name: own_words
short_description: x
description: x
options:
  _terms: {description: x, required: true}
  sep: {description: x, default: "-"}
"""


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        return [self.get_option("sep").join([term, variables["inventory_hostname"]]) for term in terms]
