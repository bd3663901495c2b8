"""What keys have in a provider's account, which all keys share: files, and batches of requests.

Which key made something is noted before the key is told of it. A key's own alone is listed, shown, used and
removed; any other id is answered like one that never was, without asking the provider. Lists are of what was
noted: a page of the provider's would be full of other keys' things, and empty of this one's.
"""
