"""scikit-learn's callbacks where it has them (1.9 and up), and nothing below."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # pragma: no cover (the oldest releases come here)

    class _NoContext:
        """Stands in for a `CallbackContext` that nobody listens to."""

        def subcontext(self, **kwargs):
            return self

        def call_on_fit_task_begin(self, **kwargs):
            return self

        def call_on_fit_task_end(self, **kwargs):
            return False

    class CallbackSupportMixin:
        def _init_callback_context(self, **kwargs):
            return _NoContext()

    def with_callbacks(method):
        return method


__all__ = ["CallbackSupportMixin", "with_callbacks"]
