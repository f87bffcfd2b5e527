package ingest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"brandmelder/brand"
)

// file reads recorded mentions, one JSON object a line (see docs/sources.md), from a file that may grow, or from standard
// input. The cursor is the place behind the last whole line. A file that became shorter is read from its start.
type file struct{ path string }

func newFile(c Config, _ Deps) (Source, error) {
	if c.Path == "" {
		return nil, errors.New("path is missing: the file of JSON lines, or - for standard input")
	}
	return &file{c.Path}, nil
}

const fileBatch = 500

func (f *file) Listen(ctx context.Context, cursor string, emit Emit) error {
	if f.path == "-" {
		return Lines(ctx, os.Stdin, "-", 0, emit)
	}
	r, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer r.Close()
	from, _ := strconv.ParseInt(cursor, 10, 64)
	if info, err := r.Stat(); err == nil && info.Size() < from {
		from = 0
	}
	if _, err := r.Seek(from, io.SeekStart); err != nil {
		return err
	}
	return Lines(ctx, r, f.path, from, emit)
}

// Lines emits the mentions of JSON lines in batches. offset is where r stands in the file; name and line stand in the errors of
// bad lines. A last line without its end is left for the next visit, unless name is "-".
func Lines(ctx context.Context, r io.Reader, name string, offset int64, emit Emit) error {
	br := bufio.NewReaderSize(r, 1<<16)
	var b Batch
	for n := 1; ; n++ {
		line, read, err := readLine(br)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s: %w", name, err)
		}
		whole := err == nil || name == "-"
		if whole {
			offset += int64(read)
			if text := bytes.TrimSpace(line); len(text) > 0 {
				m, bad := brand.DecodeMention(text)
				if bad != nil {
					b.Bad = append(b.Bad, Bad{string(text[:min(len(text), 2000)]), fmt.Errorf("%s:%d: %w", name, n, bad)})
				} else {
					b.Mentions = append(b.Mentions, m)
				}
			}
		}
		if len(b.Mentions)+len(b.Bad) >= fileBatch || errors.Is(err, io.EOF) {
			b.Cursor = strconv.FormatInt(offset, 10)
			if len(b.Mentions)+len(b.Bad) > 0 {
				if err := emit(ctx, b); err != nil {
					return err
				}
			}
			b = Batch{}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

const maxLine = 1 << 20

// readLine reads a line with its end, and says how many bytes it took. What is longer than maxLine is cut, which makes it a bad
// line, not a full memory.
func readLine(br *bufio.Reader) (line []byte, read int, err error) {
	for {
		part, err := br.ReadSlice('\n')
		read += len(part)
		if room := maxLine - len(line); room > 0 {
			line = append(line, part[:min(len(part), room)]...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, read, err
		}
	}
}
