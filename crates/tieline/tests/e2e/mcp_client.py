"""Lists and calls tools with the official package of PyPI, once for each way in which it connects.

Reads {"url", "key", "tool", "arguments"} as JSON on standard input; prints what it saw, a JSON object for each way.
"""

import asyncio
import json
import sys

from mcp import Client
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client


async def seen(asked, mode):
    headers = {"Authorization": "Bearer " + asked["key"]}
    async with create_mcp_http_client(headers=headers) as http:
        transport = streamable_http_client(asked["url"], http_client=http)
        async with Client(transport, mode=mode) as client:
            tools = await client.list_tools()
            good = await client.call_tool(asked["tool"], asked["arguments"])
            bad = await client.call_tool(asked["tool"], {})
            return {
                "version": str(client.protocol_version),
                "server": client.server_info.name,
                "tools": [tool.name for tool in tools.tools],
                "structured": good.structured_content,
                "text": good.content[0].text,
                "bad_is_error": bad.is_error,
                "bad_kind": bad.structured_content["error"]["kind"],
            }


async def main():
    asked = json.load(sys.stdin)
    for mode in ["legacy", "auto"]:
        print(json.dumps(await seen(asked, mode)))


asyncio.run(main())
