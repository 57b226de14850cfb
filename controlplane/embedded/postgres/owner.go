package postgres

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// owner is who the server runs as.
type owner struct {
	namespaced bool                // as this process's user, under another id in a namespace
	credential *syscall.Credential // as another user; nil for this process's
}

// insideID is the ordinary user and group that root becomes in the namespace.
const insideID = 1000

func (o owner) attributes() *syscall.SysProcAttr {
	switch {
	case o.namespaced:
		return &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: insideID, HostID: os.Geteuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: insideID, HostID: os.Getegid(), Size: 1}},
		}
	case o.credential != nil:
		return &syscall.SysProcAttr{Credential: o.credential}
	}
	return &syscall.SysProcAttr{}
}

// take makes the owner own directories and what is in them.
func (o owner) take(dirs ...string) error {
	if o.credential == nil {
		return nil
	}
	for _, dir := range dirs {
		if err := os.Chown(dir, int(o.credential.Uid), int(o.credential.Gid)); err != nil {
			return fmt.Errorf("give %s to the user that runs Postgres: %w", dir, err)
		}
	}
	return nil
}

// chooseOwner finds who can run the server on these files.
func chooseOwner(binDir string, f *files, fresh bool) (owner, error) {
	me := os.Geteuid()
	uid, gid, err := clusterOwner(f, fresh)
	if err != nil {
		return owner{}, err
	}
	if me != 0 {
		if uid != me {
			return owner{}, fmt.Errorf("the Postgres data directory %s belongs to the user %s, and this is %s; start as %[2]s, or choose another directory", f.dir, userName(uid), userName(me))
		}
		return owner{}, nil
	}
	if uid != 0 {
		return asUser(uid, gid), nil
	}
	namespaced := owner{namespaced: true}
	if canRun(namespaced, binDir) {
		return namespaced, nil
	}
	return fallBack(binDir, f, fresh)
}

// clusterOwner returns who owns the cluster: this process's user while there is
// none.
func clusterOwner(f *files, fresh bool) (uid, gid int, err error) {
	if fresh {
		return os.Geteuid(), os.Getegid(), nil
	}
	info, err := os.Stat(f.cluster())
	if err != nil {
		return 0, 0, f.broken(err.Error())
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, errors.New("read the owner of the Postgres cluster: this system does not tell")
	}
	return int(stat.Uid), int(stat.Gid), nil
}

// fallBack is for a root whose machine forbids user namespaces: the server runs
// as an ordinary user, who gets the files.
func fallBack(binDir string, f *files, fresh bool) (owner, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		o := asUser(uid, gid)
		if !canRun(o, binDir) {
			continue
		}
		if fresh {
			return o, nil
		}
		return o, giveCluster(o, f)
	}
	return owner{}, fmt.Errorf("Postgres does not run as root, this machine forbids user namespaces, and no other user can read %s; run as an ordinary user, or set DATABASE_URL", binDir)
}

// giveCluster hands over a cluster that root made while it could use a namespace.
func giveCluster(o owner, f *files) error {
	if err := o.take(f.dir); err != nil {
		return err
	}
	return filepath.WalkDir(f.cluster(), func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("hand over the Postgres cluster: %w", err)
		}
		return os.Lchown(path, int(o.credential.Uid), int(o.credential.Gid))
	})
}

func asUser(uid, gid int) owner {
	return owner{credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

// canRun tries whether a program of Postgres starts as o.
func canRun(o owner, binDir string) bool {
	probe := exec.Command(filepath.Join(binDir, "postgres"), "--version")
	probe.SysProcAttr = o.attributes()
	probe.Dir = "/"
	return probe.Run() == nil
}

func userName(uid int) string {
	u, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		return strconv.Itoa(uid)
	}
	return u.Username
}
