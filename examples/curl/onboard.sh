#!/bin/sh
# Sees to it that an account is there, gives it a key, and says what it used in the last
# 30 days. Needs curl and jq, WEIR_URL and WEIR_API_TOKEN.
set -eu
name=${1:?usage: onboard.sh ACCOUNT}

# ask QUERY VARIABLES runs a GraphQL operation and writes its data. The token goes to curl
# by a file descriptor: arguments can be read by other users of the machine.
ask() {
	jq -n --arg query "$1" --argjson variables "$2" '{$query, $variables}' |
		curl -sS --max-time 30 --data @- -H 'content-type: application/json' --config /dev/fd/3 "$WEIR_URL/graphql" 3<<-CONFIG |
			header = "authorization: Bearer $WEIR_API_TOKEN"
		CONFIG
		jq 'if .errors then error(.errors[0].message) elif .data then .data else error(.detail) end'
}

# A pipe hides that ask failed, so its answer is kept first.
found=$(ask 'query ($text: String!) { accounts(first: 200, filter: { text: $text }) { nodes { id name } } }' \
	"$(jq -n --arg text "$name" '{$text}')")
id=$(printf '%s' "$found" | jq -r --arg name "$name" '.accounts.nodes[] | select(.name == $name) | .id')
if [ -z "$id" ]; then
	made=$(ask 'mutation ($input: CreateAccountInput!) { createAccount(input: $input) { account { id } } }' \
		"$(jq -n --arg name "$name" '{input: {$name}}')")
	id=$(printf '%s' "$made" | jq -r '.createAccount.account.id')
fi
key=$(ask 'mutation ($input: CreateKeyInput!) { createKey(input: $input) { secret } }' \
	"$(jq -n --arg accountId "$id" '{input: {$accountId, name: "onboarded"}}')")
used=$(ask 'query ($id: ID!, $from: Time!) { account(id: $id) { usage(from: $from) { requests } } }' \
	"$(jq -n --arg id "$id" '{$id, from: (now - 30 * 86400 | floor | todate)}')")
echo "$name ($id) used $(printf '%s' "$used" | jq -r '.account.usage.requests') requests in 30 days" >&2
printf '%s' "$key" | jq -r '.createKey.secret'
