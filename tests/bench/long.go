package main

import "context"

func runLong(context.Context, []string) error { return nil }
