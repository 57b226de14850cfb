package controlplane

import "time"

// TierMove is a move of the accounts that were on other versions of a tier when one
// was published, to that version.
type TierMove struct {
	ID          ID
	TierID      ID
	VersionID   ID       // to where
	When        MoveWhen // MoveSteps or MovePeriodEnd
	State       MoveState
	Steps       []int // with MoveSteps: see Migration
	StepMinutes int
	Percent     int        // with MoveSteps: of the accounts, that have moved
	Accounts    int        // how many there were at the start
	Moved       int        // how many have moved
	NextAt      *time.Time // when the next step, or account, is due; nil: nothing is
	StartedAt   time.Time
	EndedAt     *time.Time
}

// MoveState is how far a move has come.
type MoveState string

// The states.
const (
	MoveRunning    MoveState = "running"
	MovePaused     MoveState = "paused"
	MoveStopping   MoveState = "stopping" // those that have moved are being written down
	MoveFinished   MoveState = "finished"
	MoveStopped    MoveState = "stopped"     // those that have moved stay there, the others here
	MoveTurnedBack MoveState = "turned_back" // those that had moved are back
)

// MoveChange is what is done to a move.
type MoveChange string

// The changes.
const (
	PauseMove    MoveChange = "pause"
	ResumeMove   MoveChange = "resume"
	StopMove     MoveChange = "stop"
	TurnBackMove MoveChange = "turn_back"
)

// AccountMove is a move of one account to a version of a tier that is to come.
type AccountMove struct {
	ID         ID
	AccountID  ID
	TierID     ID
	VersionID  ID // that it will be on, as things are
	TierMoveID ID // that it is part of; 0: the account's own
	DueAt      time.Time
	CreatedAt  time.Time
}
