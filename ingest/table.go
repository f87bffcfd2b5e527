package ingest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
	"unicode/utf8"

	"brandmelder/brand"

	"golang.org/x/text/encoding/charmap"
)

// table is a CSV file (RFC 4180) that is being read. A quote within an unquoted field is an ordinary character.
type table struct {
	fields mapping
	names  []string
	comma  byte
	young  bool // the file changed just now: an open quote at its end may be closed soon

	path   string
	begun  int64 // offset at which this visit began
	offset int64 // after the last record
	line   int
	b      batcher
}

// unfinished is how long after its last change a file may end within a quoted field. After that the quote is a
// mistake.
const unfinished = time.Minute

// table reads the records of a CSV file from an offset. The separator is that of its first line: a comma, a semicolon
// or a tab.
func (f *file) table(ctx context.Context, r *os.File, from int64, emit Emit) error {
	first, read, err := readLine(bufio.NewReader(r))
	if err != nil {
		return nil //nolint:nilerr // not a complete line yet
	}
	if err := notUTF16(f.path, first); err != nil {
		return err
	}
	if read > len(first) {
		return fmt.Errorf("%s:1: the names of the columns: %w: %w", f.path, errLongLine, ErrGiveUp)
	}
	t := &table{fields: f.fields, path: f.path, line: 1, b: batcher{emit: emit}}
	t.begun, t.offset = from, max(from, int64(read))
	if err := t.header(bytes.TrimPrefix(first, utf8BOM)); err != nil {
		return err
	}
	if info, err := r.Stat(); err == nil {
		t.young = f.now().Sub(info.ModTime()) < unfinished
	}
	if _, err := r.Seek(t.offset, io.SeekStart); err != nil {
		return err
	}
	return t.read(ctx, bufio.NewReaderSize(r, 1<<16))
}

// header finds the columns.
func (t *table) header(first []byte) error {
	t.comma = ','
	for _, c := range []byte(";\t") {
		if bytes.Count(first, []byte{c}) > bytes.Count(first, []byte{t.comma}) {
			t.comma = c
		}
	}
	var err error
	if t.names, err = t.columns(first); err != nil {
		return fmt.Errorf("%s:1: the names of the columns: %w", t.path, err)
	}
	if len(t.fields.from) == 0 {
		t.fields.from = map[string]string{}
		for _, n := range t.names {
			if slices.Contains(mappable, n) {
				t.fields.from[n] = n
			}
		}
	}
	for field, column := range t.fields.from {
		if !slices.Contains(t.names, column) {
			return fmt.Errorf("%s:1: there is no column %q for %s: %w", t.path, column, field, ErrGiveUp)
		}
	}
	return nil
}

// read reads records to the end of the file. An incomplete one is left for the next visit.
func (t *table) read(ctx context.Context, br *bufio.Reader) error {
	var record [][]byte // its lines
	size, open := 0, false
	for {
		line, read, err := readLine(br)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s: %w", t.path, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil { // the last line may be incomplete
			if open && !t.young {
				if err := t.apart(ctx, record); err != nil {
					return err
				}
			}
			return t.b.flush(ctx, t.offset)
		}
		if read > len(line) {
			if err := t.apart(ctx, record); err != nil {
				return err
			}
			if err := t.add(ctx, line, read, 1, errLongLine); err != nil {
				return err
			}
			record, size, open = nil, 0, false
			continue
		}
		if open && t.begins(line) {
			if err := t.apart(ctx, record); err != nil {
				return err
			}
			record, size, open = nil, 0, false
		}
		record, size, open = append(record, line), size+read, quoted(line, t.comma, open)
		if open && size <= maxLine {
			continue
		}
		if whole := bytes.Join(record, nil); open || len(record) > 1 && !t.strict(whole) {
			err = t.apart(ctx, record)
		} else {
			err = t.add(ctx, whole, size, len(record), nil)
		}
		if err != nil {
			return err
		}
		record, size, open = nil, 0, false
	}
}

var errOpenQuote = fmt.Errorf("%w: a quote is opened and not closed", brand.ErrBadMention)

// apart reads the lines of a record whose quote is never closed as records of one line each, so that no other record
// is lost. Consecutive lines that are no records are reported as one.
func (t *table) apart(ctx context.Context, lines [][]byte) error {
	for len(lines) > 0 {
		bad, size := 0, 0
		for bad < len(lines) && !t.complete(lines[bad]) {
			size += len(lines[bad])
			bad++
		}
		if bad > 0 {
			if err := t.add(ctx, lines[0], size, bad, errOpenQuote); err != nil {
				return err
			}
		}
		if lines = lines[bad:]; len(lines) > 0 {
			if err := t.add(ctx, lines[0], len(lines[0]), 1, nil); err != nil {
				return err
			}
			lines = lines[1:]
		}
	}
	return nil
}

// complete reports whether a line is a record by itself: it has the columns of time and text, and no open quote.
func (t *table) complete(line []byte) bool {
	last := max(slices.Index(t.names, t.fields.from["at"]), slices.Index(t.names, t.fields.from["text"]))
	return bytes.Count(line, []byte{t.comma}) >= last && !quoted(line, t.comma, false)
}

// begins reports whether a line within quotes is a mention by itself, so that the quote was opened by mistake.
func (t *table) begins(line []byte) bool {
	if !t.complete(line) || !t.strict(line) {
		return false
	}
	_, err := t.mention(line)
	return err == nil
}

// strict reports whether a record of several lines has its quotes as in RFC 4180, and no more columns than the table.
// Otherwise it may be several records with a quote that was opened by mistake.
func (t *table) strict(record []byte) bool {
	c := csv.NewReader(bytes.NewReader(record))
	c.Comma, c.FieldsPerRecord = rune(t.comma), -1
	row, err := c.Read()
	return err == nil && len(row) <= len(t.names)
}

// add adds one record of so many bytes and lines. bad is the reason if it is known to be unreadable.
func (t *table) add(ctx context.Context, record []byte, size, lines int, bad error) error {
	place := where(t.path, t.begun, t.line+1, t.offset)
	if bad != nil && lines > 1 {
		place = fmt.Sprintf("%s and the next %d lines", place, lines-1)
	}
	t.offset += int64(size)
	t.line += lines
	if len(bytes.TrimSpace(record)) == 0 && bad == nil {
		return nil
	}
	var m brand.Mention
	if bad == nil {
		m, bad = t.mention(record)
	}
	return t.b.add(ctx, place, bytes.TrimRight(record, "\r\n"), t.offset, m, bad)
}

// mention reads a record. One that is not UTF-8 is read as Windows-1252, the encoding of spreadsheets.
func (t *table) mention(record []byte) (brand.Mention, error) {
	if !utf8.Valid(record) {
		var err error
		if record, err = charmap.Windows1252.NewDecoder().Bytes(record); err != nil {
			return brand.Mention{}, fmt.Errorf("%w: it is neither UTF-8 nor Windows-1252", brand.ErrBadMention)
		}
	}
	row, err := t.columns(record)
	if err != nil {
		return brand.Mention{}, fmt.Errorf("%w: %w", brand.ErrBadMention, err)
	}
	return t.fields.mention(func(column string) any {
		if i := slices.Index(t.names, column); i >= 0 && i < len(row) {
			return row[i]
		}
		return nil
	})
}

// columns splits one record.
func (t *table) columns(record []byte) ([]string, error) {
	c := csv.NewReader(bytes.NewReader(record))
	c.Comma, c.FieldsPerRecord, c.LazyQuotes = rune(t.comma), -1, true
	row, err := c.Read()
	var wrong *csv.ParseError
	if errors.As(err, &wrong) {
		return nil, wrong.Err
	}
	if err == nil && c.InputOffset() != int64(len(record)) {
		err = errors.New("it holds more than one record")
	}
	return row, err
}

// quoted reports whether the record continues after this line, because the line ends within a quoted field. in is the
// same for the line before.
func quoted(line []byte, comma byte, in bool) bool {
	for {
		if !in {
			if in = bytes.HasPrefix(line, []byte{'"'}); in {
				line = line[1:]
				continue
			}
			i := bytes.IndexByte(line, comma)
			if i < 0 {
				return false
			}
			line = line[i+1:]
			continue
		}
		i := bytes.IndexByte(line, '"')
		if i < 0 {
			return true
		}
		line = line[i+1:]
		switch {
		case len(line) == 0 || line[0] == '\n' || bytes.HasPrefix(line, []byte("\r\n")):
			return false
		case line[0] == '"':
			line = line[1:]
		case line[0] == comma:
			line, in = line[1:], false
		}
	}
}
