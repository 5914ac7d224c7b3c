"""Loss functions, each element by element with a reduction around it."""

# Each file and the ops that it explains.
FILES = {
    "binary_cross_entropy": "binary_cross_entropy binary_cross_entropy_with_logits",
    "cross_entropy": "cross_entropy nll_loss",
    "elementwise_loss": "l1_loss smooth_l1_loss huber_loss",
    "losses": "mse_loss kl_div gaussian_nll_loss poisson_nll_loss soft_margin_loss",
}
