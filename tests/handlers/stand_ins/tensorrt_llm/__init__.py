from types import SimpleNamespace


class SamplingParams:
    def __init__(self, end_id, pad_id, max_tokens=100):
        self.ends, self.max_tokens = (end_id, pad_id), max_tokens


class LLM:
    def __init__(self, model, tokenizer, kv_cache_config):
        self.settings = model, tokenizer.folder, kv_cache_config

    async def generate_async(self, prompt, sampling_params, streaming):
        assert sampling_params.ends == (2, 2)
        words = prompt.upper().split()[: sampling_params.max_tokens]
        for count in range(1 if streaming else len(words), len(words) + 1):
            yield SimpleNamespace(outputs=[SimpleNamespace(text=" ".join(words[:count]))])
