"""Verifies a captured delivery, given as JSON on standard input, with the official package of PyPI."""

import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError

delivery = json.load(sys.stdin)
try:
    Webhook(delivery["secret"]).verify(delivery["body"], delivery["headers"])
    print("verified")
except WebhookVerificationError:
    print("refused")
