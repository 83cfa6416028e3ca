"""The page; `page.build_demo` puts it together, and each tab is a file of its own."""
