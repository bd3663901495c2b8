"""Which endpoint stands at which path, and below which."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.api.account import batches, files, message_batches
from gateway.api.account.asked import account_call
from gateway.api.endpoint import Handler

AT: Mapping[tuple[str, str], Handler] = {
    ("POST", files.PATH): account_call(files.FAMILY, "create", files.create_file, uploads=True),
    ("GET", files.PATH): account_call(files.FAMILY, "list", files.list_files),
    ("POST", batches.PATH): account_call(batches.FAMILY, "create", batches.create_batch),
    ("GET", batches.PATH): account_call(batches.FAMILY, "list", batches.list_batches),
    ("POST", message_batches.PATH): account_call(
        batches.FAMILY, "create", message_batches.create_batch, uploads=True
    ),
    ("GET", message_batches.PATH): account_call(batches.FAMILY, "list", message_batches.list_batches),
}
BELOW: Mapping[tuple[str, str], Handler] = {
    ("GET", files.BELOW): account_call(files.FAMILY, "show", files.show_file),
    ("DELETE", files.BELOW): account_call(files.FAMILY, "delete", files.delete_file),
    ("GET", batches.BELOW): account_call(batches.FAMILY, "show", batches.show_batch),
    ("POST", batches.BELOW): account_call(batches.FAMILY, "cancel", batches.cancel_batch),
    ("GET", message_batches.BELOW): account_call(batches.FAMILY, "show", message_batches.show_batch),
    ("POST", message_batches.BELOW): account_call(batches.FAMILY, "cancel", message_batches.cancel_batch),
    ("DELETE", message_batches.BELOW): account_call(batches.FAMILY, "delete", message_batches.delete_batch),
}
