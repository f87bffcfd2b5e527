package ingest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"brandmelder/brand"
)

// file reads mentions from a file that may grow, or from standard input: one JSON object a line (see
// docs/sources.md), or CSV with a line of names, by the file's ending. The cursor is the place behind the last whole
// line. A file that became shorter is read from its start.
type file struct {
	path   string
	fields mapping
	now    func() time.Time
}

func newFile(c Config, d Deps) (Source, error) {
	if c.Path == "" {
		return nil, errors.New("path is missing: the file of JSON lines or CSV, or - for standard input")
	}
	fields, err := newMapping(c.Map, "")
	return &file{c.Path, fields, d.Now}, err
}

const (
	fileBatch = 500     // mentions that are emitted together
	batchSize = 4 << 20 // bytes of lines that are emitted together
	maxLine   = 1 << 20 // bytes of a line, a record of a table, or an item of a push
)

var errLongLine = fmt.Errorf("%w: it is longer than %d MiB", brand.ErrBadMention, maxLine>>20)

func (f *file) Listen(ctx context.Context, cursor string, emit Emit) error {
	if f.path == "-" {
		return lines(ctx, os.Stdin, "-", 0, f.fields.item, emit)
	}
	r, err := os.OpenFile(f.path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe does not keep it waiting
	if err != nil {
		return err
	}
	defer r.Close()
	if info, err := r.Stat(); err != nil || !info.Mode().IsRegular() {
		return errors.Join(fmt.Errorf("%s is no file but a pipe, a device or a folder; - reads standard input: %w", f.path, ErrGiveUp), err)
	}
	from, _ := strconv.ParseInt(cursor, 10, 64)
	if info, err := r.Stat(); err == nil && info.Size() < from {
		from = 0
	}
	if strings.EqualFold(filepath.Ext(f.path), ".csv") {
		return f.table(ctx, r, from, emit)
	}
	if _, err := r.Seek(from, io.SeekStart); err != nil {
		return err
	}
	return lines(ctx, r, f.path, from, f.fields.item, emit)
}

// batcher gathers what a file holds, and emits it by number and size.
type batcher struct {
	Batch
	size int
	emit Emit
}

// add takes what one line or record gave. where is its place, and offset the one behind it.
func (b *batcher) add(ctx context.Context, where string, raw []byte, offset int64, m brand.Mention, err error) error {
	if err != nil {
		b.Bad = append(b.Bad, Bad{badItem(raw), fmt.Errorf("%s: %w", where, err)})
	} else {
		b.Mentions = append(b.Mentions, m)
	}
	if b.size += len(raw); len(b.Mentions)+len(b.Bad) >= fileBatch || b.size >= batchSize {
		return b.flush(ctx, offset)
	}
	return nil
}

func (b *batcher) flush(ctx context.Context, offset int64) error {
	if len(b.Mentions)+len(b.Bad) == 0 {
		return nil
	}
	b.Cursor = strconv.FormatInt(offset, 10)
	err := b.emit(ctx, b.Batch)
	b.Batch, b.size = Batch{}, 0
	return err
}

// where names a line: by its number, or, when reading began in the middle of a file, by its first byte.
func where(name string, begun int64, line int, offset int64) string {
	if begun == 0 {
		return fmt.Sprintf("%s:%d", name, line)
	}
	return fmt.Sprintf("%s, byte %d", name, offset)
}

// notUTF16 is an error if a file begins as Windows programs begin UTF-16, which nothing here reads.
func notUTF16(name string, first []byte) error {
	if bytes.HasPrefix(first, []byte("\xff\xfe")) || bytes.HasPrefix(first, []byte("\xfe\xff")) {
		return fmt.Errorf("%s is in UTF-16; save it as UTF-8: %w", name, ErrGiveUp)
	}
	return nil
}

// Lines emits the mentions of JSON lines in batches. offset is where r stands in the file; name and line stand in
// the errors of bad lines. A last line without its end is left for the next visit, unless name is "-".
func Lines(ctx context.Context, r io.Reader, name string, offset int64, emit Emit) error {
	return lines(ctx, r, name, offset, brand.DecodeMention, emit)
}

func lines(
	ctx context.Context, r io.Reader, name string, offset int64, decode func([]byte) (brand.Mention, error), emit Emit,
) error {
	br := bufio.NewReaderSize(r, 1<<16)
	b := batcher{emit: emit}
	begun := offset
	for n := 1; ; n++ {
		line, read, err := readLine(br)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err == nil || name == "-" {
			place, long := offset, read > len(line)
			offset += int64(read)
			if place == 0 {
				if err := notUTF16(name, line); err != nil {
					return err
				}
				line = bytes.TrimPrefix(line, utf8BOM)
			}
			if text := bytes.TrimSpace(line); len(text) > 0 || long {
				m, bad := brand.Mention{}, errLongLine
				if !long {
					m, bad = decode(text)
				}
				if err := b.add(ctx, where(name, begun, n, place), text, offset, m, bad); err != nil {
					return err
				}
			}
		}
		if errors.Is(err, io.EOF) {
			return b.flush(ctx, offset)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// readLine reads a line with its end, and says how many bytes it took. Of a line longer than maxLine only the
// beginning is returned: then read is more than its length.
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
