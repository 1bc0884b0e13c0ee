"""Asks the model of the test kit, whose base URL is the argument, with the official package of PyPI, and prints what it
understood as JSON."""

import json
import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1], api_key="sk-test", max_retries=0)
tools = [{
    "type": "function",
    "function": {
        "name": "look",
        "description": "Looks",
        "parameters": {"type": "object", "properties": {"id": {"type": "string"}}},
    },
}]
messages = [{"role": "user", "content": "look it up"}]

first = client.chat.completions.create(model="small", messages=messages, tools=tools).choices[0]
call = first.message.tool_calls[0]
messages.append(first.message.model_dump(exclude_none=True))
messages.append({"role": "tool", "tool_call_id": call.id, "content": "{\"name\": \"Ada\"}"})
second = client.chat.completions.create(model="small", messages=messages, tools=tools)

text, streamed, finish = "", {}, None
question = [{"role": "user", "content": "say something"}]
for chunk in client.chat.completions.create(model="small", messages=question, stream=True):
    text += chunk.choices[0].delta.content or ""
for chunk in client.chat.completions.create(model="small", messages=messages[:1], tools=tools, stream=True):
    finish = chunk.choices[0].finish_reason or finish
    for part in chunk.choices[0].delta.tool_calls or []:
        known = streamed.setdefault(part.index, {"name": "", "arguments": ""})
        known["name"] += part.function.name or ""
        known["arguments"] += part.function.arguments or ""


def refused(kind, **change):
    """The status with which a bad request is refused, as the package understands it."""
    try:
        key = change.pop("api_key", "sk-test")
        other = client.with_options(api_key=key)
        other.chat.completions.create(**{"model": "small", "messages": question, **change})
    except kind as error:
        return error.status_code
    return None


print(json.dumps({
    "finish": first.finish_reason,
    "call": [call.function.name, json.loads(call.function.arguments)],
    "answer": second.choices[0].message.content,
    "tokens": second.usage.total_tokens,
    "text": text,
    "streamed": [streamed[0]["name"], json.loads(streamed[0]["arguments"]), finish],
    "bad_key": refused(openai.AuthenticationError, api_key="sk-wrong"),
    "bad_messages": refused(openai.BadRequestError, messages=[{"role": "tool", "tool_call_id": "x", "content": "1"}]),
}))
