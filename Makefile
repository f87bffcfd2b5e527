# Verbs only; CI calls the same ones.
.PHONY: build test test-race test-house quick deps run demo bench eval fuzz lint kill hostile sources

build:
	go build -o bin/brandmelder ./cmd/brandmelder

# What the tests need beside Go.
deps:
	.ci/deps

# All tests, one half after the other: beside the first, the daemon is too slow for the times that its tests demand.
test: deps
	go vet ./...
	@$(MAKE) --no-print-directory test-race
	@$(MAKE) --no-print-directory test-house

test-race:
	go test -race -timeout 20m $$(go list ./... | grep -vE '/(cmd/brandmelder|detect)(/|$$)')

# The daemon is built with -race, its detection too. The race detector multiplies the memory and the time of the tests
# behind it, and that of calculations by twelve.
test-house:
	go test -timeout 20m -parallel 6 ./cmd/... ./detect/...
	go test -timeout 20m -run 'LittleMemory|ABudget' ./ingest ./ingest/x ./web

# What can be tested in a minute and a half: no browser, no daemon that is killed, no race detector.
quick:
	go vet ./...
	go test -short ./...

run: build
	./bin/brandmelder run --config config.yaml

demo:
	go run ./cmd/brandmelder demo

bench:
	go test -run '^$$' -bench . -benchmem ./...

# The detector on simulated topics: the budget on calm ones, the storms found and how soon. Some minutes.
eval:
	go run ./detect/lab

# Each fuzz test for half a minute.
fuzz:
	@for place in $$(grep -rlE '^func Fuzz' --include=*_test.go . | xargs -n1 dirname | sort -u); do \
		for f in $$(grep -hoE '^func Fuzz[A-Za-z0-9]+' $$place/*_test.go | sed 's/func //'); do \
			echo "$$place $$f"; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime 30s $$place || exit 1; done; done

# The daemon is killed fifty times on each store; make test kills it eight times.
kill: deps
	BRANDMELDER_KILLS=50 go test -count 1 -timeout 20m -run Killed -v ./cmd/brandmelder

# 200 hostile inputs to a running daemon on each store, through every entry; make test sends a few.
# One of them again: BRANDMELDER_HOSTILE=rss/deep-compressed go test -count 1 -run Hostile -v ./cmd/brandmelder
hostile: deps
	BRANDMELDER_HOSTILE=all go test -count 1 -timeout 15m -run Hostile -v ./cmd/brandmelder
	go test -count 1 -timeout 15m -run LittleMemory ./ingest ./web

# A day of five hundred sources: their pace by the second, and the memory; and a month of X by a budget. Half an hour.
sources:
	BRANDMELDER_SOURCES=day go test -count 1 -timeout 60m -run 'FiveHundred|ABudget' -v ./ingest ./ingest/x

lint:
	@mkdir -p .tools
	cd tools && go build -o ../.tools/ github.com/golangci/golangci-lint/v2/cmd/golangci-lint mvdan.cc/gofumpt golang.org/x/tools/cmd/deadcode
	.tools/golangci-lint run ./...
	test -z "$$(.tools/gofumpt -l .)"
	test -z "$$(.tools/deadcode -test ./...)"
