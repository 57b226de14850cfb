// This example sees to it that an account is there, gives it a key, and says what it
// used in the last 30 days. It needs WEIR_URL and WEIR_API_TOKEN.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./examples/go ACCOUNT")
		os.Exit(2)
	}
	if err := onboard(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type account struct{ ID, Name string }

func onboard(name string) error {
	id, err := accountOf(name)
	if err != nil {
		return err
	}
	var made struct{ CreateKey struct{ Secret string } }
	err = ask(`mutation ($input: CreateKeyInput!) { createKey(input: $input) { secret } }`,
		map[string]any{"input": map[string]any{"accountId": id, "name": "onboarded"}}, &made)
	if err != nil {
		return err
	}
	var used struct {
		Account struct{ Usage struct{ Requests int64 } }
	}
	err = ask(`query ($id: ID!, $from: Time!) { account(id: $id) { usage(from: $from) { requests } } }`,
		map[string]any{"id": id, "from": time.Now().AddDate(0, 0, -30)}, &used)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s (%s) used %d requests in 30 days\n", name, id, used.Account.Usage.Requests)
	fmt.Println(made.CreateKey.Secret)
	return nil
}

// accountOf returns the id of the account of that name, which it creates if need be.
func accountOf(name string) (string, error) {
	var found struct{ Accounts struct{ Nodes []account } }
	err := ask(`query ($text: String!) { accounts(first: 200, filter: { text: $text }) { nodes { id name } } }`, map[string]any{"text": name}, &found)
	if err != nil {
		return "", err
	}
	for _, a := range found.Accounts.Nodes {
		if a.Name == name {
			return a.ID, nil
		}
	}
	var made struct{ CreateAccount struct{ Account account } }
	err = ask(`mutation ($input: CreateAccountInput!) { createAccount(input: $input) { account { id name } } }`,
		map[string]any{"input": map[string]any{"name": name}}, &made)
	return made.CreateAccount.Account.ID, err
}

// ask runs a GraphQL operation.
func ask(query string, variables map[string]any, into any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	request, err := http.NewRequest(http.MethodPost, os.Getenv("WEIR_URL")+"/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+os.Getenv("WEIR_API_TOKEN"))
	client := http.Client{Timeout: 30 * time.Second}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	reply := struct {
		Data   any
		Errors []struct{ Message string }
		Detail string // of an answer that is not GraphQL's
	}{Data: into}
	if err := json.NewDecoder(answer.Body).Decode(&reply); err != nil {
		return fmt.Errorf("%s: %w", answer.Status, err)
	}
	if len(reply.Errors) > 0 {
		return errors.New(reply.Errors[0].Message)
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", answer.Status, reply.Detail)
	}
	return nil
}
