package controlplane

import (
	"errors"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Role is what a member may do; package permit has the table.
type Role string

// The roles.
const (
	RoleOwner    Role = "OWNER"    // everything
	RoleAdmin    Role = "ADMIN"    // everything but what concerns owners
	RoleOperator Role = "OPERATOR" // accounts, keys and policy
	RoleBilling  Role = "BILLING"  // usage, and corrections of it
	RoleViewer   Role = "VIEWER"   // looks at accounts, policy and usage
	RoleCustomer Role = "CUSTOMER" // sees and acts on one account only
)

// Roles returns all roles, those that may do most first.
func Roles() []Role {
	return []Role{RoleOwner, RoleAdmin, RoleOperator, RoleBilling, RoleViewer, RoleCustomer}
}

// Member is a person who may sign in.
type Member struct {
	ID          ID
	Email       string // lower case; empty for a first owner who has given none
	Name        string
	Role        Role
	AccountID   ID // of a customer; 0 otherwise
	HasPassword bool
	HasTOTP     bool // signs in with a code, too
	HasOpenID   bool // is known by an OpenID provider
	Disabled    bool
	CreatedAt   time.Time
	JoinedAt    *time.Time // nil: invited only
	SignedInAt  *time.Time // nil: never
	Revision    int        // counts changes of who they are and what they may do
}

// MemberStatus is whether a member can sign in.
type MemberStatus string

// The states of a member.
const (
	MemberInvited  MemberStatus = "INVITED"
	MemberActive   MemberStatus = "ACTIVE"
	MemberDisabled MemberStatus = "DISABLED"
)

// Status returns whether a member can sign in.
func (m Member) Status() MemberStatus {
	switch {
	case m.Disabled:
		return MemberDisabled
	case m.JoinedAt == nil:
		return MemberInvited
	}
	return MemberActive
}

// Invitation is a member to invite.
type Invitation struct {
	Email     string
	Role      Role
	AccountID ID // of a customer; 0 otherwise
}

// Validate returns every mistake in an invitation.
func (i Invitation) Validate() error {
	return errors.Join(ValidateEmail("email", i.Email), validateRole(i.Role, i.AccountID))
}

// MemberEdit is a change of a member by another one; a nil field stays as it is.
type MemberEdit struct {
	ID        ID
	Revision  *int // that it is based on; nil: any
	Email     *string
	Role      *Role
	AccountID ID // with the role of a customer
	Disabled  *bool
}

// Validate returns every mistake in an edit.
func (e MemberEdit) Validate() error {
	var faults []error
	if e.Email != nil {
		faults = append(faults, ValidateEmail("email", *e.Email))
	}
	switch {
	case e.Role != nil:
		faults = append(faults, validateRole(*e.Role, e.AccountID))
	case e.AccountID != 0:
		faults = append(faults, Invalid("accountId", "give it together with the role CUSTOMER"))
	}
	return errors.Join(faults...)
}

func validateRole(role Role, account ID) error {
	switch {
	case !slices.Contains(Roles(), role):
		return Invalid("role", "there is no such role")
	case role == RoleCustomer && account == 0:
		return Invalid("accountId", "say which account a customer is to see")
	case role != RoleCustomer && account != 0:
		return Invalid("accountId", "only a customer is bound to an account; leave it out")
	}
	return nil
}

// Profile is what members say of themselves; a nil field stays as it is.
type Profile struct{ Name, Email *string }

// Validate returns every mistake in a profile.
func (p Profile) Validate() error {
	var faults []error
	if p.Name != nil {
		faults = append(faults, ValidateMemberName(p.Name))
	}
	if p.Email != nil {
		faults = append(faults, ValidateEmail("email", *p.Email))
	}
	return errors.Join(faults...)
}

// ValidateMemberName returns what is wrong with a member's name.
func ValidateMemberName(name *string) error { return validateName("name", name, 64) }

// NormalEmail returns an address as it is stored and compared: without spaces
// around it and in lower case.
func NormalEmail(text string) string { return strings.ToLower(strings.TrimSpace(text)) }

// ValidateEmail returns what is wrong with an address that NormalEmail returned.
func ValidateEmail(field, email string) error {
	parsed, err := mail.ParseAddress(email)
	if err != nil || parsed.Address != email || len(email) > 254 || !readable(email) {
		return Invalid(field, "give an e-mail address such as ada@example.com")
	}
	return nil
}

// Bounds of a password, in characters and in bytes.
const (
	MinPassword = 12
	MaxPassword = 256
)

// ValidatePassword returns what is wrong with a new password.
func ValidatePassword(field, password string) error {
	switch {
	case !utf8.ValidString(password) || len(password) > MaxPassword:
		return Invalid(field, "use at most %d bytes", MaxPassword)
	case utf8.RuneCountInString(password) < MinPassword:
		return Invalid(field, "use at least %d characters; a few words will do", MinPassword)
	case differentIn(password) < minDifferent || strings.Trim(password, "0123456789") == "":
		return Invalid(field, "this is among the first that anybody would guess; a few words will do")
	}
	return nil
}

// minDifferent is how many different characters a password has at least.
const minDifferent = 5

func differentIn(text string) int {
	seen := map[rune]bool{}
	for _, r := range text {
		seen[r] = true
	}
	return len(seen)
}

// Session is a browser that a member is signed in with.
type Session struct {
	ID         ID
	MemberID   ID
	Address    string // of the network
	UserAgent  string
	BegunAt    time.Time
	LastSeenAt time.Time // to the minute
	ExpiresAt  time.Time // at the latest
}

// APIToken is what a script signs in with. Only the digest of its secret is stored.
type APIToken struct {
	ID         ID
	Name       string
	Prefix     string // the first characters of the secret
	Scopes     []string
	AccountID  ID // 0: all accounts
	CreatedBy  ID // the member; 0: the command line
	ParentID   ID // the token with which it was made; 0: none
	CreatedAt  time.Time
	ExpiresAt  *time.Time // nil: never
	LastUsedAt *time.Time // to the minute; nil: never
	RevokedAt  *time.Time
}

// TokenPrefix begins every API token that Weir makes.
const TokenPrefix = "weir_api_"

// Validate returns every mistake in a new token but those in its scopes.
func (t *APIToken) Validate(now time.Time) error {
	return errors.Join(validateName("name", &t.Name, 64), validateFuture("expiresAt", t.ExpiresAt, now))
}
