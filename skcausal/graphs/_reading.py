from skcausal.graphs._causal_graph import CausalGraph
from skcausal.graphs._text_parser import TextParser


def parse_graph(text, *, format="dagitty"):
    p = TextParser(text, format).parse()
    return CausalGraph(p.directed, p.bidirected, p.nodes, latent=p.latent)
