"""
Compress a policy: at most 1% of the actions change
===================================================

The policies of reinforcement learning are often small networks with tanh. Here one
balances a pole on a cart. The compressed policy has to choose the same push in 99% of
the states that the policy meets.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import matplotlib.pyplot as plt
import numpy as np
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcoreset import CompressionPathDisplay, CoresetCompressor, certify

PUSHES = np.array([-5.0, 0.0, 5.0])  # newtons
STEP = 0.02  # seconds


def next_states(states, pushes):
    """Position and speed of the cart, angle and spin of the pole, a step later."""
    _, speed, angle, spin = states.T
    force = (pushes + 0.05 * spin**2 * np.sin(angle)) / 1.1
    inertia = 0.5 * (4 / 3 - 0.1 * np.cos(angle) ** 2 / 1.1)
    turn = (9.8 * np.sin(angle) - np.cos(angle) * force) / inertia
    push = force - 0.05 * turn * np.cos(angle) / 1.1
    return states + STEP * np.column_stack([speed, push, spin, turn])


def roll_out(policy, n_episodes, n_steps, rng):
    """States that a policy meets, of shape (n_steps, n_episodes, 4)."""
    states = rng.uniform(-1, 1, (n_episodes, 4)) * [2, 0.5, 0.2, 0.5]
    met = []
    for _ in range(n_steps):
        met.append(states)
        states = next_states(states, policy(states))
        gusts = rng.random(n_episodes) < 0.03
        states[gusts, 3] += rng.normal(0, 0.3, gusts.sum())
    return np.array(met)


def teacher(states):
    """Keep the pole upright, and the cart in the middle."""
    wanted = states @ [1.0, 2.2, 32.0, 7.5]
    return PUSHES[np.abs(wanted[:, np.newaxis] - PUSHES).argmin(axis=1)]


# %%
# The policy learns from a teacher what to do in the states that it meets itself. A
# policy of Stable-Baselines3 would come from :func:`skcoreset.convert.from_onnx` or
# :func:`skcoreset.convert.from_torch` instead; the rest is the same.

rng = np.random.default_rng(0)
mlp = MLPClassifier(
    (64, 64), "tanh", learning_rate_init=0.005, tol=3e-3, random_state=0
)
policy = make_pipeline(StandardScaler(), mlp)
states = roll_out(teacher, 100, 200, rng).reshape(-1, 4)[::3]
for _ in range(2):
    policy.fit(states, teacher(states))
    met = roll_out(policy.predict, 100, 200, rng).reshape(-1, 4)[::3]
    states = np.vstack([states, met])

# %%
# The rows for the compression are states that the policy itself meets. States of one
# episode resemble each other, so each row comes from a different episode: only then do
# held-out rows say what happens in a new episode.


def one_state_each(policy, n_episodes, rng, n_steps=150):
    """A random state of each episode."""
    met = roll_out(policy, n_episodes, n_steps, rng)
    return met[rng.integers(n_steps, size=n_episodes), np.arange(n_episodes)]


X = one_state_each(policy.predict, 3000, rng)

# %%
# "The action changes in at most 1% of states":

compressor = CoresetCompressor(policy, error="prediction", delta=0.01, random_state=0)
compressor.fit(X)
print(compressor.certificate_)
print(f"{compressor.density_:.1%} of the edges")

_ = CompressionPathDisplay.from_estimator(compressor)

# %%
# Does it still balance the pole? The same gusts hit both:


def angles(policy):
    return roll_out(policy.predict, 300, 300, np.random.default_rng(1))[:, :, 2]


figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True, layout="constrained")
for ax, (name, each) in zip(
    axes, {"original": policy, "compressed": compressor}.items()
):
    angle = angles(each)
    upright = (np.abs(angle) < 0.5).all(axis=0).mean()
    ax.plot(STEP * np.arange(300), angle[:, :20], color="tab:blue", alpha=0.4)
    ax.set(
        title=f"{name}: upright in {upright:.0%}", xlabel="seconds", ylim=(-0.5, 0.5)
    )
_ = axes[0].set_ylabel("angle of the pole")

# %%
# The promise is about states that the *original* meets. The compressed policy goes
# where its own actions lead. States that it meets say how often the two differ there.

X_own = one_state_each(compressor.predict, 2000, rng)
print(certify(policy, compressor, X_own, error="prediction", delta=None))
