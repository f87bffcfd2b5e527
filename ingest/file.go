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

// file reads mentions from a file that may grow, or from standard input: JSON lines (see docs/sources.md), or CSV
// with a line of column names if the file's name ends so. The cursor is the offset after the last complete line. A
// file that became shorter is read from its start.
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
	r, err := os.OpenFile(f.path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // opening a pipe must not wait
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

// batcher collects the mentions of a file, and emits them by number and size.
type batcher struct {
	Batch
	size int
	emit Emit
}

// add adds the result of one line or record. where is its position in words, offset the position after it.
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

// where names a line by its number, or, if reading began in the middle of a file, by its first byte.
func where(name string, begun int64, line int, offset int64) string {
	if begun == 0 {
		return fmt.Sprintf("%s:%d", name, line)
	}
	return fmt.Sprintf("%s, byte %d", name, offset)
}

// notUTF16 returns an error if a file begins as UTF-16 of Windows programs does, which is not supported.
func notUTF16(name string, first []byte) error {
	if bytes.HasPrefix(first, []byte("\xff\xfe")) || bytes.HasPrefix(first, []byte("\xfe\xff")) {
		return fmt.Errorf("%s is in UTF-16; save it as UTF-8: %w", name, ErrGiveUp)
	}
	return nil
}

// Lines emits the mentions of JSON lines in batches. offset is the position of r in the file. name and line appear in
// the errors of bad lines. An incomplete last line is left for the next visit, unless name is "-".
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

// readLine reads a line with its end, and returns how many bytes it read. Of a line longer than maxLine it returns
// the beginning: then read is larger than its length.
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
