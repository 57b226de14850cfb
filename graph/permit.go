package graph

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/permit"
	"github.com/weirhq/weir/graph/model"
)

// permitted refuses a field that whoever asks may not have, and makes the arguments
// of those who see one account only name that one.
func (r *Resolver) permitted(ctx context.Context, next graphql.Resolver) (any, error) {
	field := graphql.GetFieldContext(ctx)
	if strings.HasPrefix(field.Object, "__") || strings.HasPrefix(field.Field.Name, "__") {
		return next(ctx) // the schema itself
	}
	rule, ok := permit.Field(field.Object, field.Field.Name)
	if !ok {
		return nil, fmt.Errorf("the table of permissions has no %s.%s", field.Object, field.Field.Name)
	}
	held := permit.Held(ctx)
	if err := rule.Check(held); err != nil {
		return nil, err
	}
	if held.Account != 0 {
		if err := r.bind(ctx, rule, field.Args, held.Account); err != nil {
			return nil, err
		}
	}
	return next(ctx)
}

// bind makes an argument name what is of one account. What is not is answered like
// what does not exist.
func (r *Resolver) bind(ctx context.Context, rule permit.Rule, args map[string]any, account controlplane.ID) error {
	switch rule.Bound {
	case permit.ByAccount:
		return atArgument(args, rule.Argument, func(v reflect.Value) error {
			return bindAccount(v, rule.Argument, controlplane.KindAccount.Format(account))
		})
	case permit.ByKey:
		return atArgument(args, rule.Argument, func(v reflect.Value) error {
			return r.bindKey(ctx, v, rule.Argument, account)
		})
	}
	return nil
}

// bindAccount makes a value that is an account's id, or a list of such, name own.
func bindAccount(v reflect.Value, at, own string) error {
	var named []string
	switch value := v.Addr().Interface().(type) {
	case *string:
		named = []string{*value}
	case **string:
		if *value == nil {
			*value = &own
		}
		named = []string{**value}
	case *[]string:
		if len(*value) == 0 {
			*value = []string{own}
		}
		named = *value
	default:
		return fmt.Errorf("bind %s to an account: it is a %s", at, v.Type())
	}
	for _, id := range named {
		if id != own {
			return controlplane.NotFound(plainField(at), "account")
		}
	}
	return nil
}

func (r *Resolver) bindKey(ctx context.Context, v reflect.Value, at string, account controlplane.ID) error {
	text, ok := v.Interface().(string)
	if !ok {
		return fmt.Errorf("bind %s to a key: it is a %s", at, v.Type())
	}
	id, err := controlplane.KindKey.Parse(plainField(at), text)
	if err != nil {
		return err
	}
	keys, err := r.DB.KeysByID(ctx, []controlplane.ID{id})
	if err != nil {
		return err
	}
	if len(keys) == 0 || keys[0].AccountID != account {
		return controlplane.NotFound(plainField(at), "key")
	}
	return nil
}

// ownTier is the list of tiers for those who see one account only.
func ownTier(ctx context.Context, own controlplane.ID, after *string) (*model.TierConnection, error) {
	account, err := loadersOf(ctx).accounts.Load(ctx, own)
	if err != nil {
		return nil, err
	}
	tier, err := loadersOf(ctx).tiers.Load(ctx, account.TierID)
	if err != nil {
		return nil, err
	}
	var found []controlplane.Tier
	if after == nil {
		found = append(found, *tier)
	}
	return tierList().page(found, false, after, func(context.Context) (int, error) { return 1, nil }), nil
}

// plainField names a field of an input object as errors do.
func plainField(path string) string { return strings.TrimPrefix(path, "input.") }

// atArgument lets do change the value at a path of an operation's arguments. What is
// left out on the way to it is made.
func atArgument(args map[string]any, path string, do func(reflect.Value) error) error {
	name, rest, _ := strings.Cut(path, ".")
	given, ok := args[name]
	if !ok || given == nil {
		return fmt.Errorf("find the argument %s: there is none", path)
	}
	value := reflect.New(reflect.TypeOf(given)).Elem()
	value.Set(reflect.ValueOf(given))
	if err := within(value, rest, do); err != nil {
		return err
	}
	args[name] = value.Interface()
	return nil
}

func within(v reflect.Value, path string, do func(reflect.Value) error) error {
	if path == "" {
		return do(v)
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	name, rest, _ := strings.Cut(path, ".")
	if v.Kind() != reflect.Struct {
		return fmt.Errorf("find the field %s: it is in a %s", path, v.Type())
	}
	for i := range v.NumField() {
		if tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ","); tag == name {
			return within(v.Field(i), rest, do)
		}
	}
	return fmt.Errorf("find the field %s: %s has none", path, v.Type())
}
