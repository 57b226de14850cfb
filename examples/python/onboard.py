"""Sees to it that an account is there, gives it a key, and says what it used in the last 30
days. Needs WEIR_URL and WEIR_API_TOKEN, and nothing but Python 3."""

import datetime
import json
import os
import sys
import urllib.error
import urllib.request


def ask(query, **variables):
    """Runs a GraphQL operation and returns its data."""
    request = urllib.request.Request(
        os.environ["WEIR_URL"] + "/graphql",
        json.dumps({"query": query, "variables": variables}).encode(),
        {"content-type": "application/json", "authorization": "Bearer " + os.environ["WEIR_API_TOKEN"]},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            reply = json.load(answer)
    except urllib.error.HTTPError as error:
        reply = json.load(error)
    if reply.get("errors"):
        sys.exit(reply["errors"][0]["message"])
    if "data" not in reply:
        sys.exit(reply["detail"])
    return reply["data"]


def account_of(name):
    """Returns the id of the account of that name, which it creates if need be."""
    found = ask("query ($text: String!) { accounts(first: 200, filter: { text: $text }) { nodes { id name } } }", text=name)
    for account in found["accounts"]["nodes"]:
        if account["name"] == name:
            return account["id"]
    made = ask("mutation ($input: CreateAccountInput!) { createAccount(input: $input) { account { id } } }", input={"name": name})
    return made["createAccount"]["account"]["id"]


if len(sys.argv) != 2:
    sys.exit("usage: onboard.py ACCOUNT")
name = sys.argv[1]
id = account_of(name)
key = ask("mutation ($input: CreateKeyInput!) { createKey(input: $input) { secret } }", input={"accountId": id, "name": "onboarded"})
since = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=30)
used = ask(
    "query ($id: ID!, $from: Time!) { account(id: $id) { usage(from: $from) { requests } } }",
    **{"id": id, "from": since.isoformat(timespec="seconds")},
)
print(f"{name} ({id}) used {used['account']['usage']['requests']} requests in 30 days", file=sys.stderr)
print(key["createKey"]["secret"])
