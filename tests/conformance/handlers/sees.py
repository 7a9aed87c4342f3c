"""Answers with all that the context says, by its attributes and by its methods."""

import os

from ts.context import Context
from ts.torch_handler.base_handler import BaseHandler


class Sees(BaseHandler):
    def initialize(self, context):
        self.before = {
            "id": context.get_request_id(),
            "ids": context.request_ids,
            "processor": context.request_processor,
        }
        context.cache = {"kept": 0}

    def handle(self, data, context):
        self.context = context
        context.cache["kept"] += 1
        return [self.seen(index, context) for index in range(len(data))]

    def seen(self, index, context):
        context.set_response_header(index, "X-One", "1")
        context.set_response_content_type(index, "application/json")
        context.set_response_status(201, "Made", index)
        row = context.request_processor[index]
        row.add_response_property("X-Two", "2")
        answer = {
            "is a Context": type(context) is Context,
            "name": context.model_name,
            "manifest": {name: context.manifest[name] for name in ("runtime", "model")},
            "properties": {
                **context.system_properties,
                "model_dir": os.path.isdir(context.system_properties["model_dir"]),
            },
            "config": context.model_yaml_config,
            "stopping": context.stopping_criteria,
            "keys": [
                context.header_key_sequence_id,
                context.header_key_sequence_start,
                context.header_key_sequence_end,
            ],
            "kept": context.cache["kept"],
            "before": self.before,
            "ids": sorted(context.request_ids),
            "id type": type(context.get_request_id(index)).__name__,
            "no such id": context.get_request_id(99),
            "status": context.get_response_status(index),
            "headers": context.get_response_headers(index),
            "type": context.get_response_content_type(index),
            "sequence": context.get_sequence_id(index),
            "row": [
                row.get_response_status_code(),
                row.get_response_status_phrase(),
                row.get_response_header("X-One"),
                row.get_response_header("X-None"),
                row.get_request_property("X-None"),
                sorted(row.get_response_headers()),
                row.get_request_properties() == context.get_all_request_header(index),
            ],
            "metrics": [
                name
                for name in (
                    "add_counter",
                    "add_time",
                    "add_size",
                    "add_percent",
                    "add_error",
                    "add_metric",
                    "add_metric_to_cache",
                    "get_metric",
                )
                if hasattr(context.metrics, name)
            ],
        }
        row.report_status(202)
        answer["after"] = [list(context.get_response_status(index))]
        return answer
