"""Verifies and signs webhooks with the official packages of their senders.

Reads a list of jobs from standard input and writes the list of what came of them. A job verifies
({"do": "verify", "sender", "secret", "url", "headers", "body"}: true or false) or signs
({"do": "sign", "sender", "secret", "url", "body"}: the headers to send).
"""

import json
import sys
import time
from urllib.parse import parse_qsl

import stripe
from slack_sdk.signature import SignatureVerifier
from twilio.request_validator import RequestValidator


def verify_stripe(job):
    try:
        stripe.Webhook.construct_event(job["body"], job["headers"]["stripe-signature"], job["secret"])
    except stripe.SignatureVerificationError:
        return False
    return True


def sign_stripe(job):
    now = int(time.time())
    signature = stripe.WebhookSignature._compute_signature(f"{now}.{job['body']}", job["secret"])
    return {"stripe-signature": f"t={now},v1={signature}"}


def verify_slack(job):
    return SignatureVerifier(job["secret"]).is_valid_request(job["body"], job["headers"])


def sign_slack(job):
    now = str(int(time.time()))
    signature = SignatureVerifier(job["secret"]).generate_signature(timestamp=now, body=job["body"])
    return {"x-slack-request-timestamp": now, "x-slack-signature": signature}


def fields(body):
    return dict(parse_qsl(body, keep_blank_values=True))


def verify_twilio(job):
    signature = job["headers"]["x-twilio-signature"]
    return RequestValidator(job["secret"]).validate(job["url"], fields(job["body"]), signature)


def sign_twilio(job):
    signature = RequestValidator(job["secret"]).compute_signature(job["url"], fields(job["body"]))
    return {"x-twilio-signature": signature}


DOES = {
    ("verify", "stripe"): verify_stripe,
    ("sign", "stripe"): sign_stripe,
    ("verify", "slack"): verify_slack,
    ("sign", "slack"): sign_slack,
    ("verify", "twilio"): verify_twilio,
    ("sign", "twilio"): sign_twilio,
}

json.dump([DOES[job["do"], job["sender"]](job) for job in json.load(sys.stdin)], sys.stdout)
