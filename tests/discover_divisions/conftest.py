"""A model that proposes."""

from tests.asked_models import asker, model, with_model

__all__ = ["asker", "model", "with_model"]
