import type { DocumentNode, GraphQLSchema } from "graphql";
import { published } from "../published.js";

/** What Apollo's composition makes of subgraphs: the parts that are read here, as its own declarations have them. */
export interface ComposedServices {
  readonly schema?: { toAPISchema(): { toGraphQLJSSchema(): GraphQLSchema } };
  readonly supergraphSdl?: string;
  readonly errors?: readonly Error[];
  readonly hints?: readonly {
    readonly message: string;
    readonly definition: { readonly code: string; readonly level: { readonly name: string } };
  }[];
}

export interface Service {
  readonly name: string;
  readonly url?: string;
  readonly typeDefs: DocumentNode;
}

/** Of the package `@apollo/composition`. */
export const { composeServices } = published("@apollo/composition") as {
  readonly composeServices: (services: readonly Service[]) => ComposedServices;
};
