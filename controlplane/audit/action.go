package audit

// Action is what was done, as a verb and what it was done to.
type Action string

// The actions.
const (
	CreateTier    Action = "CREATE_TIER"
	UpdateTier    Action = "UPDATE_TIER"
	ReorderLimits Action = "REORDER_LIMITS"
	DeleteTier    Action = "DELETE_TIER"
	SetDefaults   Action = "SET_DEFAULTS"

	SaveTierDraft    Action = "SAVE_TIER_DRAFT"
	DiscardTierDraft Action = "DISCARD_TIER_DRAFT"
	PublishTier      Action = "PUBLISH_TIER"
	// RevertPublication put accounts back that a publication had moved.
	RevertPublication Action = "REVERT_PUBLICATION"
	CopyTier          Action = "COPY_TIER"
	ChangeTierMove    Action = "CHANGE_TIER_MOVE"
	AdvanceTierMove   Action = "ADVANCE_TIER_MOVE"

	StartPilot   Action = "START_PILOT"
	ChangePilot  Action = "CHANGE_PILOT"
	EndPilot     Action = "END_PILOT"
	PromotePilot Action = "PROMOTE_PILOT"
	SettlePilot  Action = "SETTLE_PILOT" // accounts of a promoted one were written down

	MoveAccount         Action = "MOVE_ACCOUNT"
	ScheduleAccountMove Action = "SCHEDULE_ACCOUNT_MOVE"
	CancelAccountMove   Action = "CANCEL_ACCOUNT_MOVE"

	CreateAccount  Action = "CREATE_ACCOUNT"
	UpdateAccount  Action = "UPDATE_ACCOUNT"
	EndTrial       Action = "END_TRIAL"
	ResetAccount   Action = "RESET_ACCOUNT"
	SetOverride    Action = "SET_OVERRIDE"
	DeleteOverride Action = "DELETE_OVERRIDE"
	EndOverride    Action = "END_OVERRIDE"
	AddIdentity    Action = "ADD_IDENTITY"
	RemoveIdentity Action = "REMOVE_IDENTITY"

	CreateKey Action = "CREATE_KEY"
	UpdateKey Action = "UPDATE_KEY"
	RevokeKey Action = "REVOKE_KEY"
	RotateKey Action = "ROTATE_KEY"
	// ReportLeakedKey is the report of a key whose secret was found.
	ReportLeakedKey Action = "REPORT_LEAKED_KEY"

	CreateEndpoint      Action = "CREATE_ENDPOINT"
	UpdateEndpoint      Action = "UPDATE_ENDPOINT"
	DeleteEndpoint      Action = "DELETE_ENDPOINT"
	CreateEndpointGroup Action = "CREATE_ENDPOINT_GROUP"
	DeleteEndpointGroup Action = "DELETE_ENDPOINT_GROUP"
	ImportEndpoints     Action = "IMPORT_ENDPOINTS"

	CreateMeter Action = "CREATE_METER"
	UpdateMeter Action = "UPDATE_METER"
	DeleteMeter Action = "DELETE_METER"

	SetManager Action = "SET_MANAGER" // who keeps an object in files

	SetRetention Action = "SET_RETENTION"
	AdjustUsage  Action = "ADJUST_USAGE"
	VoidUsage    Action = "VOID_USAGE"
	ImportUsage  Action = "IMPORT_USAGE"

	ListUnaccountedUsage    Action = "LIST_UNACCOUNTED_USAGE"    // usage was found to be missing
	ResolveUnaccountedUsage Action = "RESOLVE_UNACCOUNTED_USAGE" // it came after all, or is listed anew

	ScheduleChange        Action = "SCHEDULE_CHANGE"
	CancelScheduledChange Action = "CANCEL_SCHEDULED_CHANGE"
	FailScheduledChange   Action = "FAIL_SCHEDULED_CHANGE" // it was due, and could not be made

	CreateSignInLink Action = "CREATE_SIGN_IN_LINK"
	SetAPIToken      Action = "SET_API_TOKEN"
)

// Actions are all of them, by what they are of.
func Actions() []Action {
	return append(peopleActions(), []Action{
		CreateTier, UpdateTier, ReorderLimits, DeleteTier, SetDefaults,
		SaveTierDraft, DiscardTierDraft, PublishTier, RevertPublication, CopyTier, ChangeTierMove, AdvanceTierMove,
		StartPilot, ChangePilot, EndPilot, PromotePilot, SettlePilot,
		MoveAccount, ScheduleAccountMove, CancelAccountMove,
		CreateAccount, UpdateAccount, EndTrial, ResetAccount, SetOverride, DeleteOverride, EndOverride, AddIdentity, RemoveIdentity,
		CreateKey, UpdateKey, RevokeKey, RotateKey, ReportLeakedKey,
		CreateEndpoint, UpdateEndpoint, DeleteEndpoint, CreateEndpointGroup, DeleteEndpointGroup, ImportEndpoints,
		CreateMeter, UpdateMeter, DeleteMeter, SetManager,
		SetRetention, AdjustUsage, VoidUsage, ImportUsage, ListUnaccountedUsage, ResolveUnaccountedUsage,
		ScheduleChange, CancelScheduledChange, FailScheduledChange,
		CreateSignInLink, SetAPIToken,
	}...)
}

// ObjectKind is what kind of thing a change was made of.
type ObjectKind string

// The kinds of objects.
const (
	Tier          ObjectKind = "TIER"
	TierVersion   ObjectKind = "TIER_VERSION"
	TierMove      ObjectKind = "TIER_MOVE"
	Pilot         ObjectKind = "PILOT"
	Defaults      ObjectKind = "DEFAULTS"
	Account       ObjectKind = "ACCOUNT"
	Override      ObjectKind = "OVERRIDE"
	Identity      ObjectKind = "IDENTITY"
	Key           ObjectKind = "KEY"
	Endpoint      ObjectKind = "ENDPOINT"
	EndpointGroup ObjectKind = "ENDPOINT_GROUP"
	// EndpointSource is what endpoints were imported from.
	EndpointSource ObjectKind = "ENDPOINT_SOURCE"
	Meter          ObjectKind = "METER"
	Retention      ObjectKind = "RETENTION"
	Correction     ObjectKind = "CORRECTION"
	Unaccounted    ObjectKind = "UNACCOUNTED_USAGE"
	Scheduled      ObjectKind = "SCHEDULED_CHANGE"
	SignInLink     ObjectKind = "SIGN_IN_LINK"
	APIToken       ObjectKind = "API_TOKEN"
)
