# What the rules of the figures ask of the list of figures.
REPORT = "../report"


def pdf_files(part):
    return [f"{OUT}/figures/{name}.pdf" for name in FIGURES.get(part, ())]


def png_files(part):
    """Figures as the report takes them."""
    files = {
        name: report(
            f"{OUT}/figures/{name}.png",
            caption=f"{REPORT}/{figure['kind']}_figure.rst",
            category=CATEGORIES[part],
            labels=labels_of(figure),
        )
        for name, figure in FIGURES.get(part, {}).items()
    }
    return list(files.values())
