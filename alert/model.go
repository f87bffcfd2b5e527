package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sashabaranov/go-openai"
)

// model is a language model that is asked by OpenAI's API, whoever runs it.
type model struct {
	client *openai.Client
	name   string
}

const modelTimeout = 60 * time.Second

func newModel(baseURL, name, key string) *model {
	conf := openai.DefaultConfig(key)
	if baseURL != "" {
		conf.BaseURL = strings.TrimSuffix(baseURL, "/")
	}
	conf.HTTPClient = &http.Client{Timeout: modelTimeout}
	return &model{openai.NewClientWithConfig(conf), name}
}

// ask returns the answer to data, which must be of the schema, and the tokens that the server counted. No error holds the key or the address.
func (m *model) ask(ctx context.Context, system string, data any, name string, schema json.RawMessage) (content string, tokens int, err error) {
	ctx, cancel := context.WithTimeout(ctx, modelTimeout)
	defer cancel()
	user, err := json.Marshal(data)
	if err != nil {
		return "", 0, err
	}
	res, err := m.client.CreateChatCompletion(ctx, openai.ChatCompletionRequest{
		Model: m.name,
		Messages: []openai.ChatCompletionMessage{
			{Role: openai.ChatMessageRoleSystem, Content: system},
			{Role: openai.ChatMessageRoleUser, Content: string(user)},
		},
		ResponseFormat: &openai.ChatCompletionResponseFormat{
			Type:       openai.ChatCompletionResponseFormatTypeJSONSchema,
			JSONSchema: &openai.ChatCompletionResponseFormatJSONSchema{Name: name, Schema: schema, Strict: true},
		},
	})
	if err != nil {
		var api *openai.APIError
		if errors.As(err, &api) {
			return "", 0, fmt.Errorf("the model's server answered %d", api.HTTPStatusCode) // its words may repeat the key
		}
		return "", 0, withoutURL(err)
	}
	if len(res.Choices) == 0 {
		return "", res.Usage.TotalTokens, errors.New("the model answered nothing")
	}
	return res.Choices[0].Message.Content, res.Usage.TotalTokens, nil
}
