"""Search engine over folders of photographs."""
