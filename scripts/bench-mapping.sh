#!/usr/bin/env bash
# bench-mapping.sh: records per second and core of the mapping engine, beside a plain Python run of the mapper that
# seed 002 prints, on the same records. One thread each, medians of five runs; what counts is the time on a core. Then
# what a record allocates, and nanoseconds per function.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo bench --quiet --workspace --bench mapping

python3 - <<'PYTHON'
import time


class FieldMapper:
    DEFAULT_MAPPINGS = {
        "salesforce": {
            "contact.email": "Email",
            "contact.first_name": "FirstName",
            "contact.last_name": "LastName",
            "contact.phone": "Phone",
            "contact.company": "Account.Name",
            "ticket.subject": "Subject",
            "ticket.description": "Description",
            "ticket.priority": "Priority",
        },
    }

    def __init__(self, provider_id, custom_mappings=None):
        self.mappings = {**self.DEFAULT_MAPPINGS.get(provider_id, {})}
        if custom_mappings:
            self.mappings.update(custom_mappings)

    def to_external(self, canonical_data):
        result = {}
        for canonical_key, value in canonical_data.items():
            external_key = self.mappings.get(canonical_key)
            if external_key:
                self._set_nested(result, external_key, value)
        return result

    def from_external(self, external_data):
        reverse = {v: k for k, v in self.mappings.items()}
        result = {}
        for ext_key, value in self._flatten(external_data).items():
            canonical_key = reverse.get(ext_key)
            if canonical_key:
                result[canonical_key] = value
        return result

    def _set_nested(self, d, key, value):
        keys = key.split(".")
        for k in keys[:-1]:
            d = d.setdefault(k, {})
        d[keys[-1]] = value

    def _flatten(self, d, prefix=""):
        items = {}
        for k, v in d.items():
            new_key = f"{prefix}.{k}" if prefix else k
            if isinstance(v, dict):
                items.update(self._flatten(v, new_key))
            else:
                items[new_key] = v
        return items


def record(number):
    return {
        "contact.email": f"ada{number}@example.com",
        "contact.first_name": "Ada",
        "contact.last_name": "Lovelace",
        "contact.phone": "+441234567890",
        "contact.company": "Analytical Engines",
        "ticket.subject": f"Ticket {number}",
        "ticket.description": "It does not turn.",
        "ticket.priority": "high",
    }


def run(what, inputs, work):
    rates = []
    for _ in range(5):
        done, started = 0, time.thread_time()
        while time.thread_time() - started < 0.3:
            for one in inputs:
                work(one)
            done += len(inputs)
        rates.append(done / (time.thread_time() - started))
    print(f"{what}\t{sorted(rates)[2]:.0f}")


mapper = FieldMapper("salesforce")
records = [record(number) for number in range(1000)]
run("Python: seed 002, to external", records, mapper.to_external)
run("Python: seed 002, from external", [mapper.to_external(r) for r in records], mapper.from_external)
PYTHON

cargo bench --quiet --workspace --bench allocations
echo
cargo bench --quiet --workspace --bench functions
