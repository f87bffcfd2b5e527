# Verbs only; CI calls the same ones.
.PHONY: build test deps run demo bench fuzz lint

build:
	go build -o bin/brandmelder ./cmd/brandmelder

# What the tests need beside Go. Installed where apt-get can, named where it cannot; nothing is skipped.
deps:
	@command -v redis-server >/dev/null || { command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends redis-server; } || { echo "install redis-server, then run make test again" >&2; exit 1; }

test: deps
	go vet ./...
	go test -race -timeout 20m ./...

run: build
	./bin/brandmelder run --config config.yaml

demo:
	go run ./cmd/brandmelder demo

bench:
	go test -run '^$$' -bench . -benchmem ./...

fuzz:
	go test -run '^$$' -fuzz FuzzParseAndMatch -fuzztime 30s ./query
	go test -run '^$$' -fuzz FuzzParse -fuzztime 30s ./playbooks

lint:
	go vet ./...
	test -z "$$(gofmt -l .)"
