package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"brandmelder/access"
	"brandmelder/store"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func userCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "user",
		Short: "Manage who signs in to the pages",
		Long:  "Manages the local users. What a role may do: docs/roles.md. A change counts at the user's next request.",
		Example: "  brandmelder user add anna --roles owner --person anna --config config.yaml\n" +
			"  brandmelder user list --config config.yaml\n  brandmelder user sign-out anna --config config.yaml",
		Args: exactly(0, "add, list, roles, password, remove or sign-out"),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.AddCommand(userAdd(), userList(), userRoles(), userPassword(), userRemove(), userSignOut())
	return cmd
}

func userAdd() *cobra.Command {
	var roles []string
	var person, passwordFile string
	cmd := withConfig(&cobra.Command{
		Use: "add NAME", Short: "Add a user; the password is asked for, or read from a file", Args: exactly(1, "a name"),
		Example: "  brandmelder user add anna --roles owner,admin --person anna --config config.yaml\n" +
			"  brandmelder user add ben --roles viewer --password-file ben.password --config config.yaml",
	}, func(c *cobra.Command, conf *config, st store.Store, args []string) error {
		if err := conf.hasPerson(person); err != nil {
			return err
		}
		switch _, err := st.User(c.Context(), args[0]); {
		case err == nil:
			return fmt.Errorf("user %s: there is one already; see brandmelder user roles, password and remove", args[0])
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
		probe := store.User{Name: args[0]}
		if err := access.SetRoles(&probe, as[access.Role](roles)); err != nil { // before a password is asked for
			return usage("%v", err)
		}
		password, err := newPassword(c, passwordFile)
		if err != nil {
			return err
		}
		u, err := access.NewUser(c.Context(), args[0], person, password, as[access.Role](roles), time.Now())
		if err != nil {
			return err
		}
		if err := st.SaveUser(c.Context(), &u); err != nil {
			return err
		}
		fmt.Fprintf(c.OutOrStdout(), "added user %s: %s\n", u.Name, strings.Join(u.Roles, ", "))
		return nil
	})
	cmd.Flags().StringSliceVar(&roles, "roles", nil, "what the user is: "+list(access.Roles))
	cmd.Flags().StringVar(&person, "person", "", "id of the person of the people file that the user is")
	cmd.Flags().StringVar(&passwordFile, "password-file", "", "file with the password, instead of a prompt")
	return cmd
}

func userList() *cobra.Command {
	var asJSON bool
	cmd := withConfig(&cobra.Command{
		Use: "list", Short: "Show the users", Args: exactly(0, "no arguments, but --config"),
		Example: "  brandmelder user list --config config.yaml --json",
	}, func(c *cobra.Command, _ *config, st store.Store, _ []string) error {
		us, err := st.ListUsers(c.Context())
		if err != nil {
			return err
		}
		type line struct {
			Name    string    `json:"name"`
			Person  string    `json:"person,omitempty"`
			Roles   []string  `json:"roles"`
			Created time.Time `json:"created"`
		}
		lines := []line{}
		for _, u := range us {
			lines = append(lines, line{u.Name, u.Person, u.Roles, u.Created})
		}
		if asJSON {
			return printJSON(c.OutOrStdout(), lines)
		}
		for _, l := range lines {
			fmt.Fprintf(c.OutOrStdout(), "%s  %s  %s%s\n", l.Name, stamp(l.Created), strings.Join(l.Roles, ", "), personOf(l.Person))
		}
		fmt.Fprintf(c.OutOrStdout(), "%s\n", count(len(us), "user"))
		return nil
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON value")
	return cmd
}

func userRoles() *cobra.Command {
	return withConfig(&cobra.Command{
		Use: "roles NAME ROLES", Short: "Replace a user's roles", Args: exactly(2, "a name, and roles separated by commas"),
		Example: "  brandmelder user roles anna owner,admin --config config.yaml",
	}, func(c *cobra.Command, _ *config, st store.Store, args []string) error {
		return changeUser(c, st, args[0], func(u *store.User) error {
			return access.SetRoles(u, as[access.Role](strings.Split(args[1], ",")))
		}, "user %s: "+args[1])
	})
}

func userPassword() *cobra.Command {
	var passwordFile string
	cmd := withConfig(&cobra.Command{
		Use: "password NAME", Short: "Replace a user's password, and end the user's sessions", Args: exactly(1, "a name"),
		Example: "  brandmelder user password anna --config config.yaml",
	}, func(c *cobra.Command, _ *config, st store.Store, args []string) error {
		if _, err := st.User(c.Context(), args[0]); err != nil {
			return err
		}
		password, err := newPassword(c, passwordFile)
		if err != nil {
			return err
		}
		err = changeUser(c, st, args[0], func(u *store.User) error { return access.SetPassword(c.Context(), u, password) },
			"user %s: new password, and signed out everywhere")
		if err == nil {
			_, err = st.EndSessions(c.Context(), access.OwnerOf(args[0]))
		}
		return err
	})
	cmd.Flags().StringVar(&passwordFile, "password-file", "", "file with the password, instead of a prompt")
	return cmd
}

func userRemove() *cobra.Command {
	return withConfig(&cobra.Command{
		Use: "remove NAME", Short: "Remove a user, and end the user's sessions", Args: exactly(1, "a name"),
		Example: "  brandmelder user remove anna --config config.yaml",
	}, func(c *cobra.Command, _ *config, st store.Store, args []string) error {
		if err := st.RemoveUser(c.Context(), args[0]); err != nil {
			return err
		}
		fmt.Fprintf(c.OutOrStdout(), "removed user %s\n", args[0])
		_, err := st.EndSessions(c.Context(), access.OwnerOf(args[0]))
		return err
	})
}

func userSignOut() *cobra.Command {
	return withConfig(&cobra.Command{
		Use: "sign-out NAME", Short: "End all sessions of a user", Args: exactly(1, "a name"),
		Example: "  brandmelder user sign-out anna --config config.yaml",
	}, func(c *cobra.Command, _ *config, st store.Store, args []string) error {
		err := changeUser(c, st, args[0], func(u *store.User) error { access.VoidSessions(u); return nil }, "user %s: signed out everywhere")
		if err == nil {
			_, err = st.EndSessions(c.Context(), access.OwnerOf(args[0]))
		}
		return err
	})
}

// changeUser changes a user, and says so with done, which takes the user's name.
func changeUser(c *cobra.Command, st store.Store, name string, change func(*store.User) error, done string) error {
	u, err := st.User(c.Context(), name)
	if err != nil {
		return err
	}
	if err := change(&u); err != nil {
		return err
	}
	if err := st.SaveUser(c.Context(), &u); err != nil {
		return err
	}
	fmt.Fprintf(c.OutOrStdout(), done+"\n", name)
	return nil
}

// hasPerson returns an error unless the people file has the person; "" is nobody in particular.
func (c *config) hasPerson(id string) error {
	switch {
	case id == "" || c.people.Person(id) != nil:
		return nil
	case c.people == nil:
		return usage("--person %s: the configuration names no people file", id)
	}
	var ids []string
	for _, p := range c.people.Persons {
		ids = append(ids, p.ID)
	}
	return usage("--person %s: the people file has no such id; it has %s", id, strings.Join(ids, ", "))
}

func personOf(id string) string {
	if id == "" {
		return ""
	}
	return "  as " + id
}

// newPassword reads a password from the file, or asks for it twice on the terminal.
func newPassword(c *cobra.Command, file string) (string, error) {
	if file != "" {
		return passwordFrom(file)
	}
	in := int(os.Stdin.Fd())
	if !term.IsTerminal(in) {
		return "", usage("there is no terminal to ask for the password; want --password-file FILE")
	}
	ask := func(prompt string) (string, error) {
		fmt.Fprint(c.ErrOrStderr(), prompt)
		b, err := term.ReadPassword(in)
		fmt.Fprintln(c.ErrOrStderr())
		return string(b), err
	}
	first, err := ask(fmt.Sprintf("New password, %d or more characters: ", access.MinPassword))
	if err != nil {
		return "", err
	}
	second, err := ask("Again: ")
	if err == nil && first != second {
		err = errors.New("the two passwords differ")
	}
	return first, err
}

// passwordFrom reads a password from a file that others cannot read.
func passwordFrom(file string) (string, error) {
	data, info, err := readNamed(file)
	if err != nil {
		return "", fmt.Errorf("--password-file: %w", err)
	}
	if problem, _ := exposed(file, info); problem != "" && info.Mode().Type()&fs.ModeNamedPipe == 0 {
		return "", errors.New("--password-file: " + problem)
	}
	return strings.TrimRight(string(data), "\r\n"), nil
}

// as gives texts of the command line their type.
func as[T ~string](words []string) (out []T) {
	for _, w := range words {
		out = append(out, T(strings.TrimSpace(w)))
	}
	return out
}

// list joins words for a help text.
func list[T ~string](words []T) string {
	var out []string
	for _, w := range words {
		out = append(out, string(w))
	}
	return strings.Join(out, ", ")
}
