"""What ExecuTorch lowers to something else than the model computes, found before anything is searched."""
