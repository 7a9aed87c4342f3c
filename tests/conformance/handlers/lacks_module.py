"""Imports what is not there."""

import nowhere_to_be_found


def handle(data, context):
    return nowhere_to_be_found
