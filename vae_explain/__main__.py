"""`python -m vae_explain` is `vae-explain`."""

from .cli.entry import main

if __name__ == "__main__":
    main()
