package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// profile is what weir login stores.
type profile struct {
	URL       string `json:"url"`
	Token     string `json:"token"`
	CA        string `json:"ca,omitempty"`
	PlainHTTP bool   `json:"plainHttp,omitempty"`
}

func profilesPath() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find the directory for profiles: %w", err)
	}
	return filepath.Join(dir, "weir", "profiles.json"), nil
}

// readProfiles returns what is stored, by name; nothing when there is no file.
func readProfiles(path string) (map[string]profile, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]profile{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the profiles: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("read the profiles: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s has API tokens and others may read it; run chmod 600 on it, and make new tokens if somebody may have", path)
	}
	profiles := map[string]profile{}
	if err := json.NewDecoder(file).Decode(&profiles); err != nil {
		return nil, fmt.Errorf("read the profiles in %s: %w; run weir login anew after you have removed it", path, err)
	}
	return profiles, nil
}

func readProfile(name string) (profile, bool, error) {
	path, err := profilesPath()
	if err != nil {
		return profile{}, false, nil //nolint:nilerr // no home directory: no profiles
	}
	profiles, err := readProfiles(path)
	kept, found := profiles[name]
	return kept, found, err
}

// storeProfile keeps a profile, or forgets it when it is empty. The file is replaced
// as a whole, and nobody else can read it at any time.
func storeProfile(name string, kept profile) (path string, err error) {
	if path, err = profilesPath(); err != nil {
		return "", err
	}
	profiles, err := readProfiles(path)
	if err != nil {
		return "", err
	}
	profiles[name] = kept
	if kept == (profile{}) {
		delete(profiles, name)
	}
	text, err := json.MarshalIndent(profiles, "", "  ")
	if err != nil {
		return "", fmt.Errorf("write the profiles: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("make the directory for profiles: %w", err)
	}
	draft, err := os.CreateTemp(filepath.Dir(path), ".profiles-") // 0600
	if err != nil {
		return "", fmt.Errorf("write the profiles: %w", err)
	}
	_, err = draft.Write(append(text, '\n'))
	if err = errors.Join(err, draft.Close()); err == nil {
		err = os.Rename(draft.Name(), path)
	}
	if err != nil {
		return "", fmt.Errorf("write the profiles: %w", errors.Join(err, os.Remove(draft.Name())))
	}
	return path, nil
}
