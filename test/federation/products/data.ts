// The data set that Apollo's subgraph compatibility specification publishes with its `products` schema.

export interface UserData {
  readonly email: string;
  readonly name: string;
  readonly totalProductsCreated: number | null;
  readonly yearsOfEmployment: number;
}

export interface ResearchData {
  readonly study: { readonly caseNumber: string; readonly description: string };
  readonly outcome: string | null;
}

export interface ProductData {
  readonly id: string;
  readonly sku: string;
  readonly package: string;
  readonly variation: { readonly id: string };
  readonly dimensions: { readonly size: string; readonly weight: number; readonly unit: string };
  readonly createdBy: UserData;
  readonly notes: string | null;
  readonly research: readonly ResearchData[];
}

export interface DeprecatedProductData {
  readonly sku: string;
  readonly package: string;
  readonly reason: string;
  readonly createdBy: UserData;
}

export const user: UserData = {
  email: "support@apollographql.com",
  name: "Jane Smith",
  totalProductsCreated: 1337,
  yearsOfEmployment: 10,
};

export const research: readonly [ResearchData, ResearchData] = [
  { study: { caseNumber: "1234", description: "Federation Study" }, outcome: null },
  { study: { caseNumber: "1235", description: "Studio Study" }, outcome: null },
];

const common = { dimensions: { size: "small", weight: 1, unit: "kg" }, createdBy: user, notes: null };

export const products: readonly ProductData[] = [
  {
    id: "apollo-federation",
    sku: "federation",
    package: "@apollo/federation",
    variation: { id: "OSS" },
    research: [research[0]],
    ...common,
  },
  {
    id: "apollo-studio",
    sku: "studio",
    package: "",
    variation: { id: "platform" },
    research: [research[1]],
    ...common,
  },
];

export const deprecatedProduct: DeprecatedProductData = {
  sku: "apollo-federation-v1",
  package: "@apollo/federation-v1",
  reason: "Migrate to Federation V2",
  createdBy: user,
};
