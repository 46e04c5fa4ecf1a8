"""Slices from inside Hugging Face's Trainer, of a language model with LoRA adapters.

    python examples/huggingface_trainer.py --logdir runs
    tensorboard --logdir runs

The two lines that matter:

    from pysclice.integrations.transformers import SliceCallback
    trainer.add_callback(SliceCallback(trainer=trainer, every=100, validation=True))

The model is a small GPT-2 with random weights, which learns to say the digits' pixels row by row;
only the adapters and the output layer train, so only they move along a slice.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from sklearn.datasets import load_digits
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments, set_seed

import pysclice as ps
from pysclice.integrations.transformers import SliceCallback


def sentences() -> list[dict[str, Tensor]]:
    pixels, _ = load_digits(return_X_y=True)
    tokens = torch.tensor(pixels, dtype=torch.long)  # 64 words out of 17
    return [{"input_ids": row, "labels": row} for row in tokens]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--logdir", type=Path, default=Path("runs"))
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--every", type=int, default=50, help="steps between two slices")
    parser.add_argument("--samples", type=int, default=13)
    parser.add_argument("--examples", type=int, default=64)
    given = parser.parse_args(arguments)

    torch.set_num_threads(1)
    set_seed(0)
    config = GPT2Config(
        vocab_size=17,
        n_positions=64,
        n_embd=32,
        n_layer=2,
        n_head=2,
        bos_token_id=0,
        eos_token_id=0,
        tie_word_embeddings=False,
    )
    adapters = LoraConfig(
        r=4, target_modules=["c_attn"], modules_to_save=["lm_head"], fan_in_fan_out=True
    )
    model = get_peft_model(GPT2LMHeadModel(config), adapters)
    digits = sentences()
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=str(given.logdir / "hugging face"),
            max_steps=given.steps,
            per_device_train_batch_size=16,
            learning_rate=0.01,
            logging_steps=10,
            report_to=["tensorboard"],
            save_strategy="no",
            use_cpu=True,
        ),
        train_dataset=digits[:1500],
        eval_dataset=digits[1500:],
    )
    trainer.add_callback(
        SliceCallback(
            {
                "random plane": ps.Plane(
                    ps.Random(0), ps.Random(1), span=(-2, 2), samples=given.samples
                ),
                "steepest coordinates": ps.AxisParallel(count=8, samples=given.samples),
            },
            trainer=trainer,
            every=given.every,
            validation=True,
            examples=given.examples,
        )
    )
    trainer.train()
    for run, series in ps.read_slices(given.logdir).items():
        for name, slices in series.items():
            print(f"{run}: {name}, steps {', '.join(map(str, slices))}")


if __name__ == "__main__":
    main()
