package permit

import "github.com/weirhq/weir/controlplane"

// Rule is what a field or a path takes.
type Rule struct {
	Needs Permission // empty: nothing but to be signed in
	Bound Bound
	// Argument is the path of the argument that Bound is about, such as
	// input.accountId.
	Argument string
}

// Bound is what callers may do that see one account only.
type Bound int

// The ways in which such callers are bound.
const (
	Closed    Bound = iota // they may not
	Open                   // they may: the answer is of nobody, or of their own
	ByAccount              // the argument, an account id or a list of such, must be theirs; left out, it is
	ByKey                  // the argument must be the id of a key of theirs
)

// Check returns why whoever has g may not do what r is the rule of, or nil. What
// Bound says of arguments is left to whoever reads them.
func (r Rule) Check(g Grant) error {
	switch {
	case r.Needs != "" && !g.Has(r.Needs):
		return controlplane.Forbidden(string(r.Needs))
	case r.Bound == Closed && g.Account != 0:
		return controlplane.Forbidden("")
	}
	return nil
}

// Field returns the rule of a field of an object type, and whether it has one. A
// field of a type that stands in asParent may be read by whoever reached the
// object, unless it has an entry of its own.
func Field(object, field string) (Rule, bool) {
	if rule, ok := fields[object][field]; ok {
		return rule, true
	}
	return Rule{Bound: Open}, asParent[object]
}

// Path returns the rule of a path of the HTTP API.
func Path(methodAndPath string) (Rule, bool) {
	rule, ok := paths[methodAndPath]
	return rule, ok
}

// Fields returns the entries of the table: rules by object type and field.
func Fields() map[string]map[string]Rule { return fields }

// AsParent returns the types whose fields may be read by whoever reached the object.
func AsParent() map[string]bool { return asParent }

var fields = map[string]map[string]Rule{
	"Query": {
		"viewer":    {Bound: Open},
		"node":      {Bound: Open}, // each type has what it takes
		"nodes":     {Bound: Open},
		"members":   {Needs: MembersRead},
		"member":    {Needs: MembersRead},
		"apiTokens": {Needs: TokensWrite},

		"accounts":         {Needs: AccountsRead, Bound: Open}, // of their own
		"account":          {AccountsRead, ByAccount, "id"},
		"tiers":            {Needs: PolicyRead, Bound: Open}, // that of their own
		"tier":             {Needs: PolicyRead},
		"tierVersion":      {Needs: PolicyRead},
		"defaults":         {Needs: PolicyRead},
		"endpoints":        {Needs: PolicyRead, Bound: Open},
		"endpointGroups":   {Needs: PolicyRead},
		"endpointSources":  {Needs: PolicyRead},
		"preview":          {Needs: UsageRead},
		"meters":           {Needs: PolicyRead, Bound: Open},
		"rollout":          {Needs: PolicyRead},
		"managedObjects":   {Needs: PolicyRead},
		"usage":            {UsageRead, ByAccount, "filter.accountIds"},
		"topConsumers":     {Needs: UsageRead},
		"explore":          {UsageRead, ByAccount, "input.filter.accountIds"},
		"heatMap":          {UsageRead, ByAccount, "input.filter.accountIds"},
		"denials":          {UsageRead, ByAccount, "accountId"},
		"limitEffect":      {Needs: UsageRead},
		"limitActivity":    {UsageRead, ByAccount, "accountId"},
		"reconciliation":   {Needs: UsageRead},
		"unaccountedUsage": {Needs: UsageRead},
		"corrections":      {UsageRead, ByAccount, "accountId"},
		"retention":        {Needs: UsageRead},
		"retentionPlan":    {Needs: UsageRead},
		"scheduledChanges": {Needs: PolicyRead},
		"auditLog":         {Needs: AuditRead},
		"auditRecord":      {Needs: AuditRead},
		"auditActions":     {Needs: AuditRead},
		"auditHead":        {Needs: AuditRead},
		"auditVerify":      {Needs: AuditRead},

		"suggestedEndpoints": {Needs: UsageRead}, // paths that others asked for
	},
	"Mutation": {
		"signOut":            {Bound: Open},
		"updateProfile":      {Bound: Open},
		"setPassword":        {Bound: Open},
		"beginTotp":          {Bound: Open},
		"confirmTotp":        {Bound: Open},
		"disableTotp":        {Bound: Open},
		"renewRecoveryCodes": {Bound: Open},
		"endSession":         {Bound: Open},
		"endOtherSessions":   {Bound: Open},

		"inviteMember":      {Needs: MembersWrite},
		"updateMember":      {Needs: MembersWrite},
		"removeMember":      {Needs: MembersWrite},
		"createMemberLink":  {Needs: MembersWrite},
		"endMemberSessions": {Needs: MembersWrite},
		"resetMemberTotp":   {Needs: MembersWrite},
		"unlinkMember":      {Needs: MembersWrite},
		"createApiToken":    {Needs: TokensWrite},
		"revokeApiToken":    {Needs: TokensWrite},

		"createAccount":       {Needs: AccountsWrite},
		"updateAccount":       {Needs: AccountsWrite},
		"changeAccounts":      {Needs: AccountsWrite},
		"resetAccount":        {Needs: AccountsWrite},
		"addIdentity":         {Needs: AccountsWrite},
		"removeIdentity":      {Needs: AccountsWrite},
		"setOverride":         {Needs: AccountsWrite},
		"deleteOverride":      {Needs: AccountsWrite},
		"createKey":           {KeysWrite, ByAccount, "input.accountId"},
		"updateKey":           {KeysWrite, ByKey, "input.id"},
		"revokeKey":           {KeysWrite, ByKey, "id"},
		"rotateKey":           {KeysWrite, ByKey, "input.id"},
		"reportLeakedKeys":    {Needs: KeysWrite},
		"createTier":          {Needs: PolicyWrite},
		"updateTier":          {Needs: PolicyWrite},
		"reorderLimits":       {Needs: PolicyWrite},
		"saveTierDraft":       {Needs: PolicyWrite},
		"discardTierDraft":    {Needs: PolicyWrite},
		"publishTier":         {Needs: PolicyWrite},
		"copyTier":            {Needs: PolicyWrite},
		"changeTierMove":      {Needs: PolicyWrite},
		"startPilot":          {Needs: PolicyWrite},
		"changePilot":         {Needs: PolicyWrite},
		"endPilot":            {Needs: PolicyWrite},
		"promotePilot":        {Needs: PolicyWrite},
		"moveAccount":         {Needs: AccountsWrite},
		"cancelAccountMove":   {Needs: AccountsWrite},
		"deleteTier":          {Needs: PolicyWrite},
		"setDefaults":         {Needs: PolicyWrite},
		"createEndpoint":      {Needs: PolicyWrite},
		"createEndpoints":     {Needs: PolicyWrite},
		"updateEndpoint":      {Needs: PolicyWrite},
		"deleteEndpoint":      {Needs: PolicyWrite},
		"createEndpointGroup": {Needs: PolicyWrite},
		"deleteEndpointGroup": {Needs: PolicyWrite},
		"importOpenApi":       {Needs: PolicyWrite},
		"createMeter":         {Needs: PolicyWrite},
		"updateMeter":         {Needs: PolicyWrite},
		"deleteMeter":         {Needs: PolicyWrite},
		"setManager":          {Needs: PolicyWrite},
		"setRetention":        {Needs: SettingsWrite},
		// What the change itself takes is checked by its own entry.
		"scheduleChange":        {Needs: PolicyRead},
		"cancelScheduledChange": {Needs: PolicyRead},
		"revertChange":          {Needs: AuditRead},
		"adjustUsage":           {Needs: UsageCorrect},
		"voidUsage":             {Needs: UsageCorrect},
	},
	"Subscription": {
		"usage":        {UsageRead, ByAccount, "accountId"},
		"remaining":    {AccountsRead, ByAccount, "accountId"},
		"topConsumers": {Needs: UsageRead},
	},

	// What takes more than to have reached the object.
	"Account": {
		"status":        {Needs: AccountsRead, Bound: Open},
		"labels":        {Needs: AccountsRead, Bound: Open},
		"closedAt":      {Needs: AccountsRead, Bound: Open},
		"onDefaultTier": {Needs: AccountsRead, Bound: Open},
		"tier":          {Needs: PolicyRead, Bound: Open},
		"trial":         {Needs: PolicyRead, Bound: Open}, // it has a tier
		"version":       {Needs: PolicyRead, Bound: Open},
		"pendingMove":   {Needs: PolicyRead, Bound: Open},
		"pilot":         {Needs: PolicyRead},
		"overrides":     {Needs: AccountsRead, Bound: Open},
		"keys":          {Needs: AccountsRead, Bound: Open},
		"identities":    {Needs: AccountsRead, Bound: Open},
		"levels":        {Needs: AccountsRead, Bound: Open},
		"quotas":        {Needs: AccountsRead, Bound: Open},
		"usage":         {Needs: UsageRead, Bound: Open},
	},
	"ScheduledChange": {
		"account": {Needs: AccountsRead},
	},
	"Key": {
		"lastUsedAt": {Needs: UsageRead, Bound: Open},
	},
	"Tier": {
		"accountCount":        {Needs: AccountsRead},
		"defaultAccountCount": {Needs: AccountsRead},
		"draft":               {Needs: PolicyRead},
		"versions":            {Needs: PolicyRead},
		"move":                {Needs: PolicyRead},
		"pilot":               {Needs: PolicyRead},
	},
	"Pilot": {
		"accountIds":   {Needs: AccountsRead},
		"accountCount": {Needs: AccountsRead},
		"effect":       {Needs: UsageRead},
	},
	"TierVersion": {
		"accountCount": {Needs: AccountsRead},
		"note":         {Needs: PolicyRead},
		"publishedBy":  {Needs: PolicyRead},
		"savedBy":      {Needs: PolicyRead},
	},
	"Endpoint": {
		"source": {Needs: PolicyRead},
	},
	"PreviewAccount": {
		"account": {Needs: AccountsRead},
	},
	"EndpointChange": {
		"recentRequests": {Needs: UsageRead},
	},
}

// paths of the HTTP API, as method and path without a format's ending.
var paths = map[string]Rule{
	"GET /api/v1/usage":          {UsageRead, ByAccount, "account"},
	"POST /api/v1/usage/imports": {Needs: UsageCorrect},
	"GET /api/v1/audit":          {Needs: AuditRead},
}

// asParent are the object types whose fields may be read by whoever reached one.
var asParent = map[string]bool{
	"Viewer": true, "Member": true, "MemberConnection": true, "Session": true, "ApiToken": true, "MemberPayload": true, "MemberLinkPayload": true,
	"RemovedMemberPayload": true, "ViewerPayload": true, "TotpDraft": true, "RecoveryCodes": true, "CreateApiTokenPayload": true, "ApiTokenPayload": true,

	"PageInfo": true, "Account": true, "Label": true, "Trial": true, "ChangeAccountsPayload": true, "AccountOutcome": true,
	"ScheduledChange": true, "ScheduledChangeConnection": true, "ScheduledChangeEdge": true, "ScheduledChangePayload": true, "RevertChangePayload": true, "IntroductoryAllowance": true, "AccountConnection": true, "AccountPayload": true,
	"Key": true, "KeyPayload": true, "CreateKeyPayload": true, "KeyScope": true, "RotateKeyPayload": true, "LeakedKeysPayload": true, "LeakedKey": true, "Identity": true, "Override": true,
	"Level": true, "QuotaStanding": true,
	"Tier": true, "TierPayload": true, "TierVersion": true, "TierVersionConnection": true, "TierVersionEdge": true, "TierMove": true, "AccountMove": true, "Pilot": true, "PilotEffect": true, "PilotGroup": true, "Limit": true, "Adaptive": true, "Defaults": true, "DefaultsPayload": true, "DeletePayload": true,
	"Endpoint": true, "EndpointPayload": true, "EndpointGroup": true, "EndpointGroupPayload": true,
	"SuggestedEndpoint": true, "SuggestedEndpointConnection": true, "SuggestedEndpointEdge": true, "EndpointsPayload": true,
	"EndpointSource": true, "ImportOpenApiPayload": true, "EndpointChange": true, "EndpointBefore": true, "EndpointUse": true,
	"Preview": true, "PreviewHarm": true, "PreviewFigures": true, "PreviewAccount": true, "PreviewLimit": true, "PreviewPoint": true,
	"Meter": true, "MeterPayload": true, "MeterAmount": true, "MeterColumns": true,
	"ManagedObject": true, "ManagerPayload": true,
	"Rollout": true, "RolloutProgress": true, "Worker": true, "GoneNode": true,
	"Retention": true, "RetainedLevel": true, "RetentionPlan": true, "PlannedRetention": true, "RetentionDrop": true, "RetentionPayload": true,
	"UsageSeries": true, "UsagePoint": true, "Totals": true, "Latency": true, "Consumer": true,
	"UsageReport": true, "PreviousUsage": true, "UsageGroup": true, "UsageFigures": true, "UsageColumns": true,
	"HeatMap": true, "HeatCell": true,
	"Denial": true, "DenialConnection": true, "DenialLevel": true,
	"LimitEffect": true, "LimitEffectPoint": true, "LimitActivity": true, "VerdictTotals": true, "AccountEffect": true,
	"Reconciliation": true, "ReconciledFigures": true, "ReconciliationRow": true, "ReconciledLevel": true, "ReconciledSource": true,
	"UnaccountedUsage": true, "UnaccountedUsageConnection": true,
	"Correction": true, "CorrectionConnection": true, "CorrectionPayload": true,
	"AuditConnection": true, "AuditRecord": true, "AuditActor": true, "AuditObject": true, "AuditChange": true, "AuditHead": true, "AuditVerification": true, "AuditBreak": true,
	"AccountEdge": true, "OverrideConnection": true, "OverrideEdge": true, "IdentityConnection": true, "IdentityEdge": true, "EndpointConnection": true, "EndpointEdge": true,
	"EndpointGroupConnection": true, "EndpointGroupEdge": true, "KeyConnection": true, "KeyEdge": true, "MemberEdge": true, "TierConnection": true, "TierEdge": true,
	"MeterConnection": true, "MeterEdge": true, "ApiTokenConnection": true, "ApiTokenEdge": true, "DenialEdge": true, "AuditEdge": true, "UnaccountedUsageEdge": true,
	"CorrectionEdge": true,

	"LiveUsage": true, "LiveTotals": true, "LiveAccountUsage": true, "LiveRemaining": true, "LiveConsumers": true, "LiveConsumer": true,
}
