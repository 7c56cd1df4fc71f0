"""Heads over the features of other networks: radial basis functions around landmarks, one readout a head.

The features of all trunks are projected, together, to a few hundred components. A basis function is 1 where a photo
lies on its landmark and falls exponentially with the distance from it: the Laplacian kernel (Rahimi and Recht 2007,
"Random Features for Large-Scale Kernel Machines", figure 1). The heads share projection and landmarks.
"""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from model_store.models.heads.names import CENTRES, ERROR, READOUT, projection_name

MINIMUM_ERROR = 1e-3  # a spread of 0 would promise certainty
_ROUNDING = 1e-9


class Heads(nn.Module):
    """Several scores from the features of one trunk or more.

    Attributes:
        trunks: how many trunks there are.
        components: of the projection.
        landmarks: basis functions.
        heads: scores, at least two.
    """

    trunks: int
    components: int
    landmarks: int
    heads: int

    @nn.compact
    def __call__(self, *features: Float[Array, "batch _"]) -> Float[Array, "batch {self.heads}"]:
        """Returns scores between 0 and 1, whose standard deviation is the error expected of their mean.

        Args:
            features: of the trunks, in their order.
        """
        basis = self._basis(features)
        scores = nn.Dense(self.heads, name=READOUT)(basis)
        mean = scores.mean(axis=1, keepdims=True)
        error = nn.Dense(1, name=ERROR)(jnp.concatenate([basis, mean], axis=1))
        apart = scores - mean
        scale = jnp.maximum(error, MINIMUM_ERROR) / jnp.maximum(apart.std(axis=1, keepdims=True), _ROUNDING)
        return jnp.clip(mean + scale * apart, 0, 1)

    def _basis(self, features: tuple[Float[Array, "batch _"], ...]) -> Float[Array, "batch {self.landmarks}"]:
        projected = jnp.zeros((len(features[0]), self.components))
        for trunk, values in enumerate(features):
            projected += nn.Dense(self.components, use_bias=trunk == 0, name=projection_name(trunk))(values)
        centres = self.param(CENTRES, nn.initializers.normal(), (self.landmarks, self.components))
        squares = jnp.square(projected[:, None] - centres[None]).sum(axis=2)
        return jnp.exp(-jnp.sqrt(squares))
