package assist

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"brandmelder/alert/outbound"

	"github.com/sashabaranov/go-openai"
)

// model is a language model that is asked by OpenAI's API, whoever runs it.
type model struct {
	client *openai.Client
	name   string
}

const (
	// maxModelAnswer bounds an answer of a language model. A draft of maxDraft characters takes less than 20 KiB; the
	// rest is for servers that send their model's reasoning along. The widest JSON of this size takes about 70 MB in
	// memory.
	maxModelAnswer = 128 << 10
	modelTimeout   = 60 * time.Second
	maxContent     = 64 << 10 // bytes of what a model wrote; 20 labels take 1 KiB, a draft of maxDraft characters 20
	maxQuote       = 500      // characters of a text that a model is asked about
)

func newModel(baseURL, name, key string) *model {
	conf := openai.DefaultConfig(key)
	if baseURL != "" {
		conf.BaseURL = strings.TrimSuffix(baseURL, "/")
	}
	conf.HTTPClient = outbound.Client(modelTimeout, maxModelAnswer)
	return &model{openai.NewClientWithConfig(conf), name}
}

// ask returns the answer to data, which must be of the schema, and the tokens that the server counted. No error holds
// the key or the address.
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
		return "", 0, modelError(err)
	}
	tokens = max(0, res.Usage.TotalTokens)
	if len(res.Choices) == 0 {
		return "", tokens, errors.New("the model answered nothing")
	}
	content = res.Choices[0].Message.Content
	if len(content) > maxContent {
		return "", tokens, errors.New("the model's answer is longer than what was asked for")
	}
	return content, tokens, nil
}

// modelError is an error of the model's server without the words of its answer, which may repeat the key.
func modelError(err error) error {
	var api *openai.APIError
	var refused *openai.RequestError
	if own := outbound.OwnError(err); own != nil {
		return own
	}
	switch {
	case errors.As(err, &api):
		return fmt.Errorf("the model's server answered %d", api.HTTPStatusCode)
	case errors.As(err, &refused):
		return fmt.Errorf("the model's server answered %d", refused.HTTPStatusCode)
	}
	return outbound.WithoutURL(err)
}
