package storetest

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Redis starts a real redis-server for the test and returns its redis:// address. It ends with the test.
func Redis(t testing.TB) string {
	t.Helper()
	address, _ := RedisProcess(t)
	return address
}

// RedisProcess is Redis, and gives the process too, for a test that stops it.
func RedisProcess(t testing.TB) (address string, cmd *exec.Cmd) {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal("this test needs redis-server: run make deps, or install the package redis-server")
	}
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(bin, "--port", fmt.Sprint(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir, "--logfile", filepath.Join(dir, "log"))
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	start(t, cmd, addr)
	return "redis://" + addr + "/0", cmd
}

// Restart kills a Redis of RedisProcess and starts it again. It has what the last SAVE wrote.
func Restart(t testing.TB, address string, cmd *exec.Cmd) *exec.Cmd {
	t.Helper()
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	again := exec.Command(cmd.Args[0], cmd.Args[1:]...)
	start(t, again, strings.TrimSuffix(strings.TrimPrefix(address, "redis://"), "/0"))
	return again
}

// start starts a redis-server, and waits until it answers.
func start(t testing.TB, cmd *exec.Cmd, addr string) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close()
			return
		}
	}
	t.Fatalf("redis-server does not answer on %s", addr)
}
