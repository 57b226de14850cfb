package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/weirhq/weir/controlplane/cli"
)

type backupCommand struct {
	database
	File string `arg:"" help:"Where the backup goes; there must be no such file yet." type:"path"`
}

// Help says which database it uses.
func (backupCommand) Help() string {
	return databaseHelp + " It may be in use meanwhile. The file holds digests of keys and passwords: keep it as you keep the database."
}

// Run writes a backup. The file is there once it is whole.
func (c backupCommand) Run(s signals) (err error) {
	if _, err := os.Lstat(c.File); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s exists already; name another file", c.File)
	}
	db, err := c.open(s.run)
	if err != nil {
		return err
	}
	defer db.Close()
	file, err := os.CreateTemp(filepath.Dir(c.File), ".weir-backup-*") // readable by its owner only
	if err != nil {
		return fmt.Errorf("make the backup's file: %w", err)
	}
	defer func() {
		// The backup's own name is another link to the file, and stays.
		_, removeErr := file.Close(), os.Remove(file.Name())
		if err == nil {
			err = removeErr
		}
	}()
	b, err := db.Backup(s.run, file, told)
	if err != nil {
		return err
	}
	err = file.Sync()
	if err == nil {
		err = os.Link(file.Name(), c.File)
	}
	if err != nil {
		return fmt.Errorf("finish the backup's file: %w", err)
	}
	fmt.Printf("%s holds %s of %s, as of %s\n", c.File, cli.Counted(b.Rows(), "row"), cli.Counted(len(b.Tables), "table"), b.At.UTC().Format(time.RFC3339))
	return nil
}

type restoreCommand struct {
	database
	File string `arg:"" help:"The backup." type:"existingfile"`
}

// Help says which database it uses.
func (restoreCommand) Help() string {
	return databaseHelp + " It must be empty, and no weir serve may run on it. It is filled with all of the backup, or not at all. Browsers have to sign in again."
}

// Run restores a backup.
func (c restoreCommand) Run(s signals) error {
	file, err := os.Open(c.File)
	if err != nil {
		return fmt.Errorf("open the backup: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("look at the backup: %w", err)
	}
	db, err := c.open(s.run)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Migrate(s.run); err != nil {
		return err
	}
	b, err := db.Restore(s.run, file, info.Size(), told)
	if err != nil {
		return err
	}
	fmt.Printf("restored %s of %s, as of %s\n", cli.Counted(b.Rows(), "row"), cli.Counted(len(b.Tables), "table"), b.At.UTC().Format(time.RFC3339))
	return nil
}

// told shows how far a backup has come.
func told(table string, rows int64) {
	if rows > 0 {
		fmt.Fprintf(os.Stderr, "%12d  %s\n", rows, table)
	}
}
