package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"syscall"
	"time"
)

// cost is what one answer took.
type cost struct {
	whole    time.Duration // from the request to the last byte, or the first of an export
	postgres time.Duration // CPU of Postgres
	control  time.Duration // CPU of the control plane, and of the client beside it
}

type client struct {
	url, token string
	documents  documents
	postgres   *processes
}

// ask asks once.
func (c *client) ask(ctx context.Context, q question) (cost, error) {
	r, err := c.request(ctx, q)
	if err != nil {
		return cost{}, err
	}
	before, err := c.postgres.cpu()
	if err != nil {
		return cost{}, err
	}
	control, began := ownCPU(), time.Now()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return cost{}, err
	}
	defer resp.Body.Close()
	if q.path != "" {
		_, err = io.ReadFull(resp.Body, make([]byte, 1))
	} else {
		err = readAnswer(q, resp)
	}
	took := cost{whole: time.Since(began), control: ownCPU() - control}
	if err != nil || resp.StatusCode != http.StatusOK {
		return took, fmt.Errorf("%s, %s: %s %w", q.page, q.name, resp.Status, err)
	}
	after, err := c.postgres.cpu()
	took.postgres = after.since(before)
	return took, err
}

// switches are variables that switch a part of the answer on.
var switches = regexp.MustCompile(`\$(\w+): Boolean!`)

func (c *client) request(ctx context.Context, q question) (*http.Request, error) {
	method, url, body := http.MethodGet, c.url+q.path, []byte(nil)
	if q.path == "" {
		operation, err := c.documents.operation(q.operation)
		if err != nil {
			return nil, err
		}
		variables := with(map[string]any{}, q.variables)
		for _, declared := range switches.FindAllStringSubmatch(operation, -1) {
			if _, ok := variables[declared[1]]; !ok {
				variables[declared[1]] = false
			}
		}
		if body, err = json.Marshal(map[string]any{"query": operation, "operationName": q.operation, "variables": variables}); err != nil {
			return nil, err
		}
		method, url = http.MethodPost, c.url+"/graphql"
	}
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+c.token)
	return r, nil
}

// readAnswer reads all of an answer, and wants it to have no errors.
func readAnswer(q question, resp *http.Response) error {
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var answer struct {
		Errors []struct{ Message string }
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return fmt.Errorf("%w: %.200s", err, text)
	}
	if len(answer.Errors) > 0 {
		return fmt.Errorf("%s", answer.Errors[0].Message)
	}
	return nil
}

// ownCPU is what this process has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
