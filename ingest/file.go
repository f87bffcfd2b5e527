package ingest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"brandmelder/brand"
)

// file reads recorded mentions from a file that may grow, or from standard input: one JSON object a line (see docs/sources.md), or CSV with a line of
// names, by the file's ending. The cursor is the place behind the last whole line. A file that became shorter is read from its start.
type file struct {
	path   string
	fields mapping
}

func newFile(c Config, _ Deps) (Source, error) {
	if c.Path == "" {
		return nil, errors.New("path is missing: the file of JSON lines or CSV, or - for standard input")
	}
	fields, err := newMapping(c.Map, "")
	return &file{c.Path, fields}, err
}

const fileBatch = 500

func (f *file) Listen(ctx context.Context, cursor string, emit Emit) error {
	if f.path == "-" {
		return lines(ctx, os.Stdin, "-", 0, f.decode, emit)
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
	if strings.EqualFold(filepath.Ext(f.path), ".csv") {
		return f.table(ctx, r, from, emit)
	}
	if _, err := r.Seek(from, io.SeekStart); err != nil {
		return err
	}
	return lines(ctx, r, f.path, from, f.decode, emit)
}

func (f *file) decode(line []byte) (brand.Mention, error) {
	if len(f.fields.from) == 0 {
		return brand.DecodeMention(line)
	}
	var doc any
	if err := json.Unmarshal(line, &doc); err != nil {
		return brand.Mention{}, fmt.Errorf("%w: %w", brand.ErrBadMention, err)
	}
	return f.fields.item(doc)
}

// table reads CSV (RFC 4180) behind the place from; commas, semicolons or tabs part its columns, as in its first line.
func (f *file) table(ctx context.Context, r io.ReadSeeker, from int64, emit Emit) error {
	first, _, err := readLine(bufio.NewReader(r))
	if err != nil {
		return nil //nolint:nilerr // not a whole line yet
	}
	first = bytes.TrimPrefix(first, []byte("\xef\xbb\xbf"))
	comma := ','
	for _, c := range ";\t" {
		if bytes.Count(first, []byte(string(c))) > bytes.Count(first, []byte(string(comma))) {
			comma = c
		}
	}
	names, err := records(bytes.NewReader(first), comma).Read()
	if err != nil {
		return fmt.Errorf("%s:1: the names of the columns: %w", f.path, err)
	}
	fields := f.fields
	if len(fields.from) == 0 {
		fields.from = map[string]string{}
		for _, n := range names {
			if slices.Contains(mappable, n) {
				fields.from[n] = n
			}
		}
	}
	for field, column := range fields.from {
		if !slices.Contains(names, column) {
			return fmt.Errorf("%s:1: there is no column %q for %s: %w", f.path, column, field, ErrGiveUp)
		}
	}
	all, err := r.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if _, err := r.Seek(from, io.SeekStart); err != nil {
		return err
	}
	rows := records(r, comma)
	var b Batch
	for place := from; ; {
		row, err := rows.Read()
		end := from + rows.InputOffset()
		whole := err == nil
		if whole && end == all { // the last line may still be being written
			last := make([]byte, 1)
			if _, err := r.Seek(-1, io.SeekEnd); err != nil {
				return err
			}
			_, err = r.Read(last)
			whole = err == nil && last[0] == '\n'
		}
		var wrong *csv.ParseError
		if errors.As(err, &wrong) {
			b.Bad = append(b.Bad, Bad{strings.Join(row, string(comma)), fmt.Errorf("%s, byte %d: %w", f.path, place, wrong.Err)})
			whole = true
		} else if whole && place > 0 {
			m, bad := fields.mention(func(column string) any {
				if i := slices.Index(names, column); i >= 0 && i < len(row) {
					return row[i]
				}
				return nil
			})
			if bad != nil {
				b.Bad = append(b.Bad, Bad{strings.Join(row, string(comma)), fmt.Errorf("%s, byte %d: %w", f.path, place, bad)})
			} else {
				b.Mentions = append(b.Mentions, m)
			}
		}
		if whole {
			place = end
		}
		if n := len(b.Mentions) + len(b.Bad); n >= fileBatch || n > 0 && !whole {
			b.Cursor = strconv.FormatInt(place, 10)
			if err := emit(ctx, b); err != nil {
				return err
			}
			b = Batch{}
		}
		if !whole {
			return nil
		}
	}
}

func records(r io.Reader, comma rune) *csv.Reader {
	c := csv.NewReader(r)
	c.Comma, c.FieldsPerRecord, c.LazyQuotes = comma, -1, true
	return c
}

// Lines emits the mentions of JSON lines in batches. offset is where r stands in the file; name and line stand in the errors of
// bad lines. A last line without its end is left for the next visit, unless name is "-".
func Lines(ctx context.Context, r io.Reader, name string, offset int64, emit Emit) error {
	return lines(ctx, r, name, offset, brand.DecodeMention, emit)
}

func lines(ctx context.Context, r io.Reader, name string, offset int64, decode func([]byte) (brand.Mention, error), emit Emit) error {
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
				m, bad := decode(text)
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
